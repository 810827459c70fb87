"""Multi-factor authentication: who needs a second factor, its forms, views and throttle."""

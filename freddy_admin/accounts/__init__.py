"""People and how they sign in: accounts, sessions, second factors, single sign-on, API tokens."""

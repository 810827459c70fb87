"""A person's own profile and sessions."""

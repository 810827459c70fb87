"""Signing in through the OpenID Connect provider that the settings name."""

"""A person's tokens for the JSON API."""

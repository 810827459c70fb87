"""Connectors and auth configs of a key."""

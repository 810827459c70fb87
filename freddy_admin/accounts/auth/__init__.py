"""Signing in: what allauth does differently here, and what it reports."""

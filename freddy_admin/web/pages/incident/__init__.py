"""Incidents: the list, and each one's page."""

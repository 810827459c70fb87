"""The first visit: creating the first platform admin."""

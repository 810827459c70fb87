"""Copies to take away: of an organisation, of what is kept about a person."""

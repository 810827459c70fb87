"""Tenants: organisations, members, invitations, and the one table of what each role may do."""

"""Invitations to an organisation: sending, withdrawing, accepting."""

"""API keys: sealed, stored, replaced, revoked; the one room that opens a secret."""

"""New secrets under test: verified with one call, and compared with what the key reports."""

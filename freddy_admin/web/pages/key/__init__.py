"""One key."""

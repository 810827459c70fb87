"""Starting syncs."""

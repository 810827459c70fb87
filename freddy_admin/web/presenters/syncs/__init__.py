"""Starting syncs, and what came of it, ready for the templates."""

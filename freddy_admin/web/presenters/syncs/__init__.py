"""Sync operations, from the form to their result, ready for the templates."""

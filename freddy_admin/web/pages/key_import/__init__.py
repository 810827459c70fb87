"""Pasting many keys."""

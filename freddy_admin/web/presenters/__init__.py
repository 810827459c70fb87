"""Presenters: turn rows into the words and values that templates show."""

"""Pasted keys: the page of a draft, and its rows in words."""

"""Checks of keys: requested, leased, performed, recorded."""

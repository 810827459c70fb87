"""A key's history, on its own page and its organisation's."""

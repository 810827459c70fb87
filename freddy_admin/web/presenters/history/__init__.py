"""The history of a key, ready for its templates: status bars, shares, chart, tables."""

"""A key's past, ready for its templates: strips, shares, chart, tables."""

"""Sync statuses as pages and programs read them: queries, aggregates, filters, the cache."""

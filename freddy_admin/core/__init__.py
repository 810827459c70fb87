"""The base of every room: clock, errors, cache, rate limits, compiled queries, the SSRF guard."""

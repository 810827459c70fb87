"""Connectors and auth configs: requested, fetched by the worker, read from their snapshot."""

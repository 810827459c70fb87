"""Connector syncs: checks, health rule, sync status, history, operations, catalogs, worker."""

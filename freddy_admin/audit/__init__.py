"""The audit log: an append-only table of events, sealed by a hash chain."""

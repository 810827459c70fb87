"""Everything that changes a key. Each service records one audit event in its transaction."""

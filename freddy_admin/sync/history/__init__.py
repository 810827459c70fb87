"""History of keys: diffed, recorded, replayed, read, and deleted when it is old."""

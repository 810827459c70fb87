"""What was: noticed, told, replayed, read, and let go when it is old."""

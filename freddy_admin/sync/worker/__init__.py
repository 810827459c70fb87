"""The worker: its loop, its thread pool, its jobs, and when a key is due."""

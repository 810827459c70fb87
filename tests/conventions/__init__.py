"""Tests about the tree itself: sizes, documentation, settings, migrations, secrets in sources."""

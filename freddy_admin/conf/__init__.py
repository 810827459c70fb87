"""Builders and parsers of the settings that `settings.py` calls: environment, databases, caches."""

"""Data exports: of an organisation, and of what is stored about a person."""

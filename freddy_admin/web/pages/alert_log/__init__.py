"""The log of what the alerts told whom."""

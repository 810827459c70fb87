"""Addresses that are a way in by themselves, as they may be written down."""

import re

# Secrets of invitations, of the first visit, and of mailed links to a new password.
_SECRET = re.compile(
    r"(/(?:invitations|first-visit)/)(?!\d+(?![^/\s]))[^/\s]+"
    r"|(/reset/key/[0-9A-Za-z]+-)(?!set-password(?![^/\s]))[^/\s]+"
)


def path_without_secret(text: str) -> str:
    """The text with such secrets left out; numbers of invitations stay."""
    return _SECRET.sub(lambda found: f"{found[1] or found[2]}…", text)

"""Hides the secrets in paths that let whoever has them in."""

import re

# Secrets of invitations, of the first visit, and of mailed links to a new password.
_SECRET_PATH_PATTERN = re.compile(
    r"(/(?:invitations|first-visit)/)(?!\d+(?![^/\s]))[^/\s]+"
    r"|(/reset/key/[0-9A-Za-z]+-)(?!set-password(?![^/\s]))[^/\s]+"
)


def redact_secret_paths(text: str) -> str:
    """The text without the secrets of such paths; numbers of invitations stay."""
    return _SECRET_PATH_PATTERN.sub(lambda match: f"{match[1] or match[2]}…", text)

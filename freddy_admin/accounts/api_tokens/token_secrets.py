"""API tokens of the panel as text: random, shown once, stored as a digest."""

import hashlib
import secrets

TOKEN_PREFIX = "freddy_"  # noqa: S105  the prefix, not a token
RANDOM_BYTES = 32
TOKEN_LENGTH_LIMIT = 200


def token_generate() -> str:
    """A new token with 256 random bits, so that a fast digest is as safe as a slow one."""
    return TOKEN_PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def token_digest(token: str) -> str:
    """The hex digest that is stored of a token; takes any text."""
    return hashlib.sha256(token[:TOKEN_LENGTH_LIMIT].encode("utf-8", "surrogatepass")).hexdigest()

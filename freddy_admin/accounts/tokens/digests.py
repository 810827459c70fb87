"""The panel's own API tokens: random, shown once, kept as a digest."""

import hashlib
import secrets

PREFIX = "freddy_"
RANDOM_BYTES = 32
LONGEST = 200


def token_make() -> str:
    """A new token; 256 random bits, so that a plain digest is as good as a slow one."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def token_digest(token: str) -> str:
    """What is stored of a token, for tokens of any shape."""
    return hashlib.sha256(token[:LONGEST].encode("utf-8", "surrogatepass")).hexdigest()

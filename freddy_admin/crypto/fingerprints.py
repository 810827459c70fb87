"""A keyed digest that finds the same secret again; without SECRET_KEY it reveals nothing."""

import hashlib
import hmac
from typing import Final

_FINGERPRINT_LABEL: Final = b"freddy-admin/fingerprint/1"


def fingerprint(secret: str, *, secret_key: str) -> str:
    """64 hexadecimal digits, the same for the same secret as long as SECRET_KEY stays."""
    purpose_key = hmac.digest(secret_key.encode(), _FINGERPRINT_LABEL, hashlib.sha256)
    return hmac.digest(purpose_key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()

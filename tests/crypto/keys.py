"""Master keys for tests: fixed bytes, good for nothing else."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


def private(name: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode()


def public_of(private_key: str) -> str:
    raw = base64.urlsafe_b64decode(private_key)
    key = X25519PrivateKey.from_private_bytes(raw).public_key()
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode()


FIRST, SECOND, THIRD = private("first"), private("second"), private("third")

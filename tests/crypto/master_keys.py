"""Master keys for tests: fixed bytes, good for nothing else."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


def private_key_from_name(name: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode()


def public_key_text(private_key: str) -> str:
    raw = base64.urlsafe_b64decode(private_key)
    key = X25519PrivateKey.from_private_bytes(raw).public_key()
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode()


FIRST = private_key_from_name("first")
SECOND = private_key_from_name("second")
THIRD = private_key_from_name("third")

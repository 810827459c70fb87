"""A chain that shows when one of its links was taken out, changed, or put in by hand.

Two strands run through it. The digest needs no key: it is made of all contents so far. The hash is
keyed: it holds the digest and the hash before it. So whoever lacks the key can forge no link, and
after a change of keys the first link of the new one still holds everything before it.
"""

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

START: Final = "0" * 64
_PURPOSE: Final = b"freddy-admin/audit-chain/1"
_NONCE_BYTES: Final = 8


class ChainKey:
    """What is derived from SECRET_KEY for the chain alone. Immutable; safe to use from threads."""

    def __init__(self, secret_key: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
        self._key: Final = derived.derive(secret_key.encode())
        self.id: Final = self._mac(b"key id")[:16]

    def __repr__(self) -> str:
        return f"<ChainKey {self.id}>"

    def __reduce__(self) -> str:
        raise TypeError("a ChainKey is never copied or stored")

    def seal(self, content: bytes) -> str:
        """80 hexadecimal digits that show that we wrote this content; no two are the same."""
        nonce = secrets.token_hex(_NONCE_BYTES)
        return nonce + self._mac(b"seal", nonce.encode(), content)

    def seal_fits(self, content: bytes, seal: str) -> bool:
        """Whether `seal` was made for this very content with this key."""
        nonce = seal[: 2 * _NONCE_BYTES]
        made = nonce + self._mac(b"seal", nonce.encode(), content)
        return hmac.compare_digest(made.encode(), seal.encode())

    def link(self, *, former: str, digest: str) -> str:
        """The hash of a link: `former` is the hash before it, `digest` that of all contents."""
        return self._mac(b"link", former.encode(), digest.encode())

    def head(self, *, count: int, digest: str, last: str) -> str:
        """What proves where the chain ends."""
        return self._mac(b"head", str(count).encode(), digest.encode(), last.encode())

    def _mac(self, *parts: bytes) -> str:
        # Each part with its length before it, so that none can run into the next.
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._key, framed, hashlib.sha256).hex()


def digest_next(digest: str, content: bytes) -> str:
    """The digest of everything up to and with this content."""
    return hashlib.sha256(bytes.fromhex(digest) + content).hexdigest()


@lru_cache(maxsize=8)
def chain_key(secret_key: str) -> ChainKey:
    """The key that belongs to this SECRET_KEY."""
    return ChainKey(secret_key)

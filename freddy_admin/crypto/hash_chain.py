"""A hash chain that shows when one of its links was removed, changed, or added by hand.

It carries two values. The digest needs no key: it is made of all contents so far. The hash is
keyed: it covers the digest and the hash before it. So whoever lacks the key can forge no link, and
after a change of keys the first link of the new one still covers everything before it.
"""

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHAIN_START: Final = "0" * 64
_HKDF_INFO: Final = b"freddy-admin/audit-chain/1"
_NONCE_BYTES: Final = 8


class ChainKey:
    """A key derived from SECRET_KEY for the chain alone. Immutable; safe to use from threads."""

    def __init__(self, secret_key: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_HKDF_INFO)
        self._key: Final = derived.derive(secret_key.encode())
        self.id: Final = self._mac(b"key id")[:16]

    def __repr__(self) -> str:
        return f"<ChainKey {self.id}>"

    def __reduce__(self) -> str:
        raise TypeError("a ChainKey is never copied or stored")

    def seal(self, content: bytes) -> str:
        """80 hexadecimal digits that prove that the panel wrote this content; no two are equal."""
        nonce = secrets.token_hex(_NONCE_BYTES)
        return nonce + self._mac(b"seal", nonce.encode(), content)

    def verify_seal(self, content: bytes, seal: str) -> bool:
        """Whether `seal` was made for this very content with this key."""
        nonce = seal[: 2 * _NONCE_BYTES]
        expected = nonce + self._mac(b"seal", nonce.encode(), content)
        return hmac.compare_digest(expected.encode(), seal.encode())

    def link_hash(self, *, former: str, digest: str) -> str:
        """The hash of a link: `former` is the hash before it, `digest` that of all contents."""
        return self._mac(b"link", former.encode(), digest.encode())

    def head_mac(self, *, count: int, digest: str, last: str) -> str:
        """The MAC that proves where the chain ends: `last` is the hash of its newest link."""
        return self._mac(b"head", str(count).encode(), digest.encode(), last.encode())

    def _mac(self, *parts: bytes) -> str:
        # Each part with its length before it, so that none can run into the next.
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._key, framed, hashlib.sha256).hex()


def extend_digest(digest: str, content: bytes) -> str:
    """The digest of all contents up to and including this one; `digest` is that before it."""
    return hashlib.sha256(bytes.fromhex(digest) + content).hexdigest()


@lru_cache(maxsize=8)
def derive_chain_key(secret_key: str) -> ChainKey:
    """The chain's key that belongs to this SECRET_KEY."""
    return ChainKey(secret_key)

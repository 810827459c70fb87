"""Seals with one public key, opens with any private key of the ring: HPKE, RFC 9180, base mode.

Sealed bytes are: 1 byte format version, 8 bytes master key id, then the HPKE output (the
encapsulated key, the cipher text, its tag). The format, the id and the caller's context are bound
by HPKE's `info`, so that sealed bytes open in the place they were sealed for and nowhere else.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from freddy_admin.crypto.errors import (
    CannotOpen,
    MasterKeyMissing,
    NoPrivateKeys,
    UnusableMasterKey,
)
from freddy_admin.crypto.unwrapping import unwrapped_forget, unwrapped_keys

FORMAT: Final = b"\x01"
ID_LENGTH: Final = 8
HEADER_LENGTH: Final = len(FORMAT) + ID_LENGTH
_ID_LABEL: Final = b"freddy-admin/master-key-id/1\x00"
_INFO_LABEL: Final = b"freddy-admin/sealed\x00"
_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class Keyring:
    """The master keys of this process. Immutable; safe to use from threads."""

    def __init__(self, private_keys: Sequence[str] = (), *, public_key: str = "") -> None:
        """Keys are URL-safe base64 of 32 bytes, the padding optional.

        `public_key` seals where it is given, else the public half of the first private key.
        Raises UnusableMasterKey, which names the setting and never the value.
        """
        openers = [
            X25519PrivateKey.from_private_bytes(_decoded(text, "ENCRYPTION_KEYS"))
            for text in private_keys
        ]
        self._openers = {master_key_id(opener.public_key()): opener for opener in openers}
        if public_key:
            raw = _decoded(public_key, "ENCRYPTION_PUBLIC_KEY")
            self._sealer = X25519PublicKey.from_public_bytes(raw)
        elif openers:
            self._sealer = openers[0].public_key()
        else:
            raise UnusableMasterKey("ENCRYPTION_KEYS is not set")
        self.sealing_id: Final = master_key_id(self._sealer)
        self._refuse_weak_sealer()

    def __repr__(self) -> str:
        return f"<Keyring seals with {self.sealing_id}, opens {sorted(self._openers)}>"

    def __reduce__(self) -> str:
        # A pickle or a copy would carry the private keys to where nobody looks after them.
        raise TypeError("a Keyring is never copied or stored")

    @property
    def known_ids(self) -> frozenset[str]:
        """Ids of the master keys this process can open with."""
        return frozenset(self._openers)

    @property
    def can_open(self) -> bool:
        """Whether this process holds any private key."""
        return bool(self._openers)

    @property
    def seals_with_first(self) -> bool:
        """Whether what this process seals opens with the first of its own private keys."""
        return next(iter(self._openers), None) == self.sealing_id

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """Sealed bytes that `open` gives back for this very context only."""
        header = FORMAT + bytes.fromhex(self.sealing_id)
        return header + _SUITE.encrypt(plaintext, self._sealer, info=_info(header, context))

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """The plain text.

        Raises NoPrivateKeys, MasterKeyMissing (sealed to a key that is not in the ring) or
        CannotOpen (damaged, cut short, another format, another context).
        """
        key_id = header_master_key_id(sealed)
        if not self._openers:
            raise NoPrivateKeys
        opener = self._openers.get(key_id)
        if opener is None:
            raise MasterKeyMissing(key_id)
        header, body = sealed[:HEADER_LENGTH], sealed[HEADER_LENGTH:]
        try:
            return _SUITE.decrypt(body, opener, info=_info(header, context))
        except (InvalidTag, ValueError):
            raise CannotOpen from None

    def _refuse_weak_sealer(self) -> None:
        # A point of low order would seal to everyone; the exchange refuses it when it is used.
        try:
            _SUITE.encrypt(b"", self._sealer)
        except ValueError:
            raise UnusableMasterKey("ENCRYPTION_PUBLIC_KEY is not a usable X25519 key") from None


def master_key_id(public_key: X25519PublicKey) -> str:
    """Sixteen hexadecimal digits that name a master key and tell nothing else about it."""
    digest = hashlib.sha256(_ID_LABEL + public_key.public_bytes_raw()).digest()
    return digest[:ID_LENGTH].hex()


def header_master_key_id(sealed: bytes) -> str:
    """The master key id in the header; raises CannotOpen if the bytes have none we know."""
    if len(sealed) <= HEADER_LENGTH or sealed[:1] != FORMAT:
        raise CannotOpen
    return sealed[len(FORMAT) : HEADER_LENGTH].hex()


def private_key_bytes(private_key: str) -> bytes:
    """The 32 bytes of one of ENCRYPTION_KEYS, for a KMS to wrap."""
    return _decoded(private_key, "ENCRYPTION_KEYS")


def public_key_text(private_key: str) -> str:
    """The value for ENCRYPTION_PUBLIC_KEY that belongs to one of ENCRYPTION_KEYS."""
    return public_key_of(private_key_bytes(private_key))


def public_key_of(raw: bytes) -> str:
    """The same, of the 32 bytes."""
    opener = X25519PrivateKey.from_private_bytes(raw)
    return base64.urlsafe_b64encode(opener.public_key().public_bytes_raw()).decode()


def keyring() -> Keyring:
    """The ring of this process's settings; made once, and anew when the settings change.

    Keys that are wrapped by a KMS are in it once `unwrapping.master_keys_unwrap` has run.
    """
    from django.conf import settings

    private = tuple(settings.ENCRYPTION_KEYS) or unwrapped_keys()
    return _built(private, settings.ENCRYPTION_PUBLIC_KEY)


def keyring_reset() -> None:
    """Forget the ring, for tests."""
    _built.cache_clear()
    unwrapped_forget()


@lru_cache(maxsize=1)
def _built(private_keys: tuple[str, ...], public_key: str) -> Keyring:
    return Keyring(private_keys, public_key=public_key)


def _info(header: bytes, context: bytes) -> bytes:
    # The header has a fixed length, so the three parts cannot run into one another.
    return _INFO_LABEL + header + context


def _decoded(text: str, setting: str) -> bytes:
    stripped = text.strip().rstrip("=")
    try:
        padded = stripped + "=" * (-len(stripped) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise UnusableMasterKey(f"{setting} is not URL-safe base64 of 32 bytes")
    return raw

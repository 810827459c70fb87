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
from django.conf import settings

from freddy_admin.crypto.errors import (
    DecryptionFailed,
    InvalidMasterKey,
    MasterKeyMissing,
    PrivateKeysMissing,
)
from freddy_admin.crypto.kms import KmsClient

FORMAT_VERSION: Final = b"\x01"
MASTER_KEY_ID_LENGTH: Final = 8
HEADER_LENGTH: Final = len(FORMAT_VERSION) + MASTER_KEY_ID_LENGTH
_MASTER_KEY_ID_LABEL: Final = b"freddy-admin/master-key-id/1\x00"
_INFO_LABEL: Final = b"freddy-admin/sealed\x00"
# Unwrapped by KMS; they live here alone, in no setting, environment or file.
_unwrapped_keys: tuple[str, ...] = ()
_HPKE_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class Keyring:
    """The master keys of this process. Immutable; safe to use from threads."""

    def __init__(self, private_keys: Sequence[str] = (), *, public_key: str = "") -> None:
        """Keys are URL-safe base64 of 32 bytes, the padding optional.

        `public_key` seals where it is given, else the public half of the first private key.
        Raises InvalidMasterKey, which names the setting and never the value.
        """
        keys = [
            X25519PrivateKey.from_private_bytes(_decode_key(text, "ENCRYPTION_KEYS"))
            for text in private_keys
        ]
        self._private_keys = {master_key_id(key.public_key()): key for key in keys}
        if public_key:
            raw = _decode_key(public_key, "ENCRYPTION_PUBLIC_KEY")
            self._sealing_key = X25519PublicKey.from_public_bytes(raw)
        elif keys:
            self._sealing_key = keys[0].public_key()
        else:
            raise InvalidMasterKey("ENCRYPTION_KEYS is not set")
        self.sealing_id: Final = master_key_id(self._sealing_key)
        self._validate_sealing_key()

    def __repr__(self) -> str:
        return f"<Keyring seals with {self.sealing_id}, opens {sorted(self._private_keys)}>"

    def __reduce__(self) -> str:
        # A pickle or a copy would carry the private keys to where nobody looks after them.
        raise TypeError("a Keyring is never copied or stored")

    @property
    def known_ids(self) -> frozenset[str]:
        """Ids of the master keys this process can open with."""
        return frozenset(self._private_keys)

    @property
    def has_private_keys(self) -> bool:
        """Whether this process holds any private key."""
        return bool(self._private_keys)

    @property
    def is_sealing_to_first_private_key(self) -> bool:
        """Whether this process seals to the first of its own private keys."""
        return next(iter(self._private_keys), None) == self.sealing_id

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """Sealed bytes that `open` gives back for this very context only."""
        header = FORMAT_VERSION + bytes.fromhex(self.sealing_id)
        return header + _HPKE_SUITE.encrypt(
            plaintext, self._sealing_key, info=_hpke_info(header, context)
        )

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """The plain text.

        Raises PrivateKeysMissing, MasterKeyMissing (sealed to a key that is not in the ring) or
        DecryptionFailed (damaged, cut short, another format, another context).
        """
        key_id = master_key_id_of_sealed(sealed)
        if not self._private_keys:
            raise PrivateKeysMissing
        private_key = self._private_keys.get(key_id)
        if private_key is None:
            raise MasterKeyMissing(key_id)
        header, body = sealed[:HEADER_LENGTH], sealed[HEADER_LENGTH:]
        try:
            return _HPKE_SUITE.decrypt(body, private_key, info=_hpke_info(header, context))
        except (InvalidTag, ValueError):
            raise DecryptionFailed from None

    def _validate_sealing_key(self) -> None:
        # A point of low order would seal to everyone; the exchange refuses it when it is used.
        try:
            _HPKE_SUITE.encrypt(b"", self._sealing_key)
        except ValueError:
            raise InvalidMasterKey("ENCRYPTION_PUBLIC_KEY is not a usable X25519 key") from None


def master_key_id(public_key: X25519PublicKey) -> str:
    """Sixteen hexadecimal digits that name a master key and tell nothing else about it."""
    digest = hashlib.sha256(_MASTER_KEY_ID_LABEL + public_key.public_bytes_raw()).digest()
    return digest[:MASTER_KEY_ID_LENGTH].hex()


def master_key_id_of_sealed(sealed: bytes) -> str:
    """The master key id in the header; raises DecryptionFailed for an unknown format."""
    if len(sealed) <= HEADER_LENGTH or sealed[:1] != FORMAT_VERSION:
        raise DecryptionFailed
    return sealed[len(FORMAT_VERSION) : HEADER_LENGTH].hex()


def decode_private_key(private_key: str) -> bytes:
    """The 32 bytes of one of ENCRYPTION_KEYS, for a KMS to wrap."""
    return _decode_key(private_key, "ENCRYPTION_KEYS")


def public_key_from_private_key(private_key: str) -> str:
    """The value for ENCRYPTION_PUBLIC_KEY that belongs to one of ENCRYPTION_KEYS."""
    return public_key_from_private_bytes(decode_private_key(private_key))


def public_key_from_private_bytes(raw: bytes) -> str:
    """The value for ENCRYPTION_PUBLIC_KEY that belongs to a private key of 32 bytes."""
    private_key = X25519PrivateKey.from_private_bytes(raw)
    return base64.urlsafe_b64encode(private_key.public_key().public_bytes_raw()).decode()


def master_keys_unwrap() -> None:
    """Unwrap ENCRYPTION_KEYS_KMS for this process's ring; does nothing where it is not set.

    Called once, at the start of a process that opens API keys; the web process never does.
    Later calls do not call KMS. Raises KmsError, or InvalidMasterKey where ENCRYPTION_PUBLIC_KEY
    does not belong to the first of them: nobody could open what is sealed with it.
    """
    global _unwrapped_keys
    if not settings.ENCRYPTION_KEYS_KMS or _unwrapped_keys:
        return
    kms = KmsClient(region=settings.AWS_REGION, endpoint=settings.AWS_KMS_ENDPOINT)
    keys = tuple(kms.unwrap(settings.ENCRYPTION_KEYS_KMS))
    if not Keyring(keys, public_key=settings.ENCRYPTION_PUBLIC_KEY).is_sealing_to_first_private_key:
        raise InvalidMasterKey(
            "ENCRYPTION_PUBLIC_KEY does not belong to the first of ENCRYPTION_KEYS_KMS: take the "
            "two lines that `manage.py wrap_master_key` printed together"
        )
    _unwrapped_keys = keys


def keyring() -> Keyring:
    """The ring of this process's settings, built once, and again when the settings change.

    Keys that are wrapped by KMS are in it once `master_keys_unwrap` has run.
    """
    private = tuple(settings.ENCRYPTION_KEYS) or _unwrapped_keys
    return _build_keyring(private, settings.ENCRYPTION_PUBLIC_KEY)


def keyring_reset() -> None:
    """Forget the ring and the unwrapped keys, for tests."""
    global _unwrapped_keys
    _unwrapped_keys = ()
    _build_keyring.cache_clear()


@lru_cache(maxsize=1)
def _build_keyring(private_keys: tuple[str, ...], public_key: str) -> Keyring:
    return Keyring(private_keys, public_key=public_key)


def _hpke_info(header: bytes, context: bytes) -> bytes:
    # The header has a fixed length, so the three parts cannot run into one another.
    return _INFO_LABEL + header + context


def _decode_key(text: str, setting: str) -> bytes:
    unpadded = text.strip().rstrip("=")
    try:
        padded = unpadded + "=" * (-len(unpadded) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise InvalidMasterKey(f"{setting} is not URL-safe base64 of 32 bytes")
    return raw

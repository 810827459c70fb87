"""Sealed bytes follow RFC 9180: another implementation, written from its text, opens them."""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from freddy_admin.crypto.keyring import (
    HEADER_LENGTH,
    Keyring,
    master_key_id,
    master_key_id_of_sealed,
)
from tests.crypto.master_keys import FIRST

RING = Keyring([FIRST])
KEM_SUITE = b"KEM" + (0x0020).to_bytes(2, "big")
SUITE = b"HPKE" + b"".join(part.to_bytes(2, "big") for part in (0x0020, 0x0001, 0x0002))


def _hkdf_extract(salt: bytes, suite: bytes, label: bytes, material: bytes) -> bytes:
    labeled = b"HPKE-v1" + suite + label + material
    return hmac.digest(salt or bytes(32), labeled, hashlib.sha256)


def _hkdf_expand(key: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(key, block + labeled + bytes([counter]), hashlib.sha256)
        out, counter = out + block, counter + 1
    return out[:length]


def _open_per_rfc_9180(body: bytes, private: X25519PrivateKey, info: bytes) -> bytes:
    enc, sealed = body[:32], body[32:]
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    kem_context = enc + private.public_key().public_bytes_raw()
    eae = _hkdf_extract(b"", KEM_SUITE, b"eae_prk", shared)
    secret_in = _hkdf_expand(eae, KEM_SUITE, b"shared_secret", kem_context, 32)
    context = b"\x00" + _hkdf_extract(b"", SUITE, b"psk_id_hash", b"")
    context += _hkdf_extract(b"", SUITE, b"info_hash", info)
    secret = _hkdf_extract(secret_in, SUITE, b"secret", b"")
    key = _hkdf_expand(secret, SUITE, b"key", context, 32)
    nonce = _hkdf_expand(secret, SUITE, b"base_nonce", context, 12)
    return AESGCM(key).decrypt(nonce, sealed, b"")


def test_an_independent_implementation_of_the_rfc_opens_sealed_bytes() -> None:

    private = X25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(FIRST))
    sealed = RING.seal(b"secret", context=b"row")
    header, body = sealed[:HEADER_LENGTH], sealed[HEADER_LENGTH:]
    info = b"freddy-admin/sealed\x00" + header + b"row"
    assert _open_per_rfc_9180(body, private, info) == b"secret"


def test_the_header_is_the_format_version_and_the_master_key_id() -> None:
    sealed = RING.seal(b"secret", context=b"row")
    assert sealed[0] == 1
    assert sealed[1:9].hex() == RING.sealing_id == master_key_id_of_sealed(sealed)
    assert len(RING.sealing_id) == 16


def test_sealed_bytes_are_57_longer_than_the_secret() -> None:
    assert len(RING.seal(b"x" * 63, context=b"row")) == 63 + 57


def test_the_master_key_id_is_pinned_to_the_public_key() -> None:
    # A changed derivation would orphan every stored row: this value must never change.
    public = X25519PublicKey.from_public_bytes(bytes(range(32)))
    assert master_key_id(public) == "cc0f02591706a0e7"

"""Second factors and sessions at rest: AES-256-GCM under keys derived from SECRET_KEY."""

import base64
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

VERSION = "v1."
PURPOSE = b"freddy-admin: second factors at rest, version 1"
NONCE_BYTES = 12


class SecondFactorUnreadable(ValidationError):
    """A stored second factor cannot be decrypted: SECRET_KEY was replaced since it was set up."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Your second factor cannot be read: the panel's SECRET_KEY has changed since it "
                "was set up. Ask whoever runs the panel to put the former key back."
            ),
            code="second_factor_unreadable",
        )


def encrypt_text(text: str, *, purpose: bytes = PURPOSE) -> str:
    """`text`, readable only with this SECRET_KEY and for the same purpose."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = _derive_cipher(settings.SECRET_KEY, purpose)
    ciphertext = nonce + cipher.encrypt(nonce, text.encode(), None)
    return VERSION + base64.b64encode(ciphertext).decode()


def decrypt_text(encrypted_text: str, *, purpose: bytes = PURPOSE) -> str:
    """The text; SECRET_KEY_FALLBACKS are tried, too. Raises SecondFactorUnreadable."""
    ciphertext = _decode_ciphertext(encrypted_text)
    for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            cipher = _derive_cipher(key, purpose)
            nonce, body = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
            return cipher.decrypt(nonce, body, None).decode()
        except (InvalidTag, ValueError):
            continue
    raise SecondFactorUnreadable from None


def _decode_ciphertext(encrypted_text: str) -> bytes:
    if not encrypted_text.startswith(VERSION):
        return b""
    try:
        return base64.b64decode(encrypted_text.removeprefix(VERSION), validate=True)
    except ValueError:
        return b""


@lru_cache(maxsize=8)
def _derive_cipher(secret_key: str, purpose: bytes) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return AESGCM(derived.derive(secret_key.encode()))

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
    """A stored second factor cannot be opened: SECRET_KEY is another one than when it was set."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Your second factor cannot be read: the panel's SECRET_KEY has changed since it "
                "was set up. Ask whoever runs the panel to put the former key back."
            ),
            code="second_factor_unreadable",
        )


def seal(text: str, *, purpose: bytes = PURPOSE) -> str:
    """`text`, readable only with this SECRET_KEY and for the same purpose."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + _cipher(settings.SECRET_KEY, purpose).encrypt(nonce, text.encode(), None)
    return VERSION + base64.b64encode(sealed).decode()


def unseal(sealed: str, *, purpose: bytes = PURPOSE) -> str:
    """The text; former keys in SECRET_KEY_FALLBACKS open too. Raises SecondFactorUnreadable."""
    raw = _raw(sealed)
    for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            cipher = _cipher(key, purpose)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            continue
    raise SecondFactorUnreadable from None


def _raw(sealed: str) -> bytes:
    if not sealed.startswith(VERSION):
        return b""
    try:
        return base64.b64decode(sealed.removeprefix(VERSION), validate=True)
    except ValueError:
        return b""


@lru_cache(maxsize=8)
def _cipher(secret_key: str, purpose: bytes) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return AESGCM(derived.derive(secret_key.encode()))

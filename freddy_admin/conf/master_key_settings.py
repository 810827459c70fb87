"""The settings of master keys, plain or wrapped by AWS KMS; each refusal names the setting."""

import base64
import binascii
import re
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.setting_parsers import LOOPBACK_HOSTS, parse_comma_list

DEBUG_MASTER_KEY = base64.urlsafe_b64encode(b"freddy-admin debugging only key!").decode()
MASTER_KEY_HINT = (
    'Make one with `python -c "import base64,os;'
    'print(base64.urlsafe_b64encode(os.urandom(32)).decode())"`.'
)
_WRAPPED_KEY_PREFIX: Final = "aws-kms:"
# What KMS makes of 32 bytes is a little over 100 bytes long; nothing shorter can be one.
_WRAPPED_KEY_MIN_BYTES: Final = 64


def parse_encryption_keys(private: str, public: str, *, debug: bool) -> tuple[list[str], str]:
    """`ENCRYPTION_KEYS` (private, first one's public half seals) and `ENCRYPTION_PUBLIC_KEY`.

    One of the two is needed; each key is URL-safe base64 of 32 bytes. Where both are given they
    belong together: else a process would seal what nobody can open.
    """
    keys = parse_comma_list(private)
    if not keys and not public and debug:
        keys = [DEBUG_MASTER_KEY]
    if not keys and not public:
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS is not set (a web process may have ENCRYPTION_PUBLIC_KEY alone). "
            + MASTER_KEY_HINT
        )
    for position, key in enumerate(keys, start=1):
        _validate_master_key(f"ENCRYPTION_KEYS (key {position} of {len(keys)})", key, debug=debug)
    if len(set(keys)) < len(keys):
        raise ImproperlyConfigured("ENCRYPTION_KEYS names the same key twice.")
    if public:
        _validate_master_key("ENCRYPTION_PUBLIC_KEY", public, debug=debug)
    if public and keys and _decode_base64_key(public) != _public_half(keys[0]):
        raise ImproperlyConfigured(
            "ENCRYPTION_PUBLIC_KEY does not belong to the first of ENCRYPTION_KEYS, so nobody "
            "could open what is sealed. Leave it out where ENCRYPTION_KEYS is set, or take what "
            "`manage.py encryption_public_key` prints."
        )
    return keys, public.strip()


def parse_wrapped_keys(text: str, *, private: str, public: str, region: str) -> list[str]:
    """`ENCRYPTION_KEYS_KMS`: `aws-kms:` and the wrapped keys, base64, separated by commas."""
    text = text.strip()
    if not text:
        return []
    if not text.startswith(_WRAPPED_KEY_PREFIX):
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS_KMS must begin with aws-kms: as `manage.py wrap_master_key` prints it."
        )
    if private.strip():
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS and ENCRYPTION_KEYS_KMS are both set. Take one out: the second holds "
            "the same keys, wrapped."
        )
    if not public.strip():
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS_KMS needs ENCRYPTION_PUBLIC_KEY beside it: take both lines that "
            "`manage.py wrap_master_key` printed."
        )
    if not region:
        raise ImproperlyConfigured("ENCRYPTION_KEYS_KMS needs AWS_REGION, such as eu-central-1.")
    keys = parse_comma_list(text.removeprefix(_WRAPPED_KEY_PREFIX))
    for position, key in enumerate(keys, start=1):
        if not _is_wrapped_key(key):
            raise ImproperlyConfigured(
                f"ENCRYPTION_KEYS_KMS (key {position} of {len(keys)}) is not what KMS makes of a "
                "master key: take the line that `manage.py wrap_master_key` printed, whole."
            )
    if not keys or len(set(keys)) < len(keys):
        raise ImproperlyConfigured("ENCRYPTION_KEYS_KMS names no key, or the same one twice.")
    return keys


def parse_aws_region(text: str) -> str:
    """`AWS_REGION`: such as eu-central-1; empty where no KMS is used."""
    text = text.strip()
    if text and not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", text, re.ASCII):
        raise ImproperlyConfigured("AWS_REGION must be the name of a region, such as eu-central-1.")
    return text


def parse_kms_endpoint(text: str) -> str:
    """`AWS_KMS_ENDPOINT`: https anywhere, http on loopback; empty for the region's own."""
    text = text.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        is_malformed = parts.username or parts.query or parts.fragment or re.search(r"[\s\\]", text)
        is_valid = bool(parts.hostname) and not is_malformed and parts.port != 0
    except ValueError:
        is_valid = False
    is_local_http = is_valid and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if not is_valid or not (is_local_http or parts.scheme == "https"):
        raise ImproperlyConfigured(
            "AWS_KMS_ENDPOINT must begin with https:// (http is for this machine alone), or be "
            "left out for the region's own."
        )
    return text


def _public_half(private: str) -> bytes:
    key = X25519PrivateKey.from_private_bytes(_decode_base64_key(private))
    return key.public_key().public_bytes_raw()


def _decode_base64_key(value: str) -> bytes:
    text = value.strip()
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _validate_master_key(name: str, value: str, *, debug: bool) -> None:
    # The value itself is never part of the message: it is a secret even when malformed.
    text, raw = value.strip(), _decode_base64_key(value)
    if len(raw) != 32:
        raise ImproperlyConfigured(f"{name} is not URL-safe base64 of 32 bytes. {MASTER_KEY_HINT}")
    if debug:
        return
    if text.rstrip("=") == DEBUG_MASTER_KEY.rstrip("=") or len(set(raw)) < 8:
        raise ImproperlyConfigured(f"{name} is a default or a guessable key. {MASTER_KEY_HINT}")


def _is_wrapped_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) >= _WRAPPED_KEY_MIN_BYTES
    except (binascii.Error, ValueError):
        return False

"""The settings of master keys that AWS KMS wraps; each refusal names the setting."""

import base64
import binascii
import re
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from freddy_admin.core.configuration import LOOPBACK_HOSTS

_SCHEME: Final = "aws-kms:"
# What KMS makes of 32 bytes is a little over 100 bytes long; nothing shorter can be one.
_SHORTEST: Final = 64


def wrapped_keys(text: str, *, private: str, public: str, region: str) -> list[str]:
    """`ENCRYPTION_KEYS_KMS`: `aws-kms:` and the wrapped keys, base64, separated by commas."""
    text = text.strip()
    if not text:
        return []
    if not text.startswith(_SCHEME):
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
    keys = [part.strip() for part in text.removeprefix(_SCHEME).split(",") if part.strip()]
    for place, key in enumerate(keys, start=1):
        if not _looks_wrapped(key):
            raise ImproperlyConfigured(
                f"ENCRYPTION_KEYS_KMS (key {place} of {len(keys)}) is not what KMS makes of a "
                "master key: take the line that `manage.py wrap_master_key` printed, whole."
            )
    if not keys or len(set(keys)) < len(keys):
        raise ImproperlyConfigured("ENCRYPTION_KEYS_KMS names no key, or the same one twice.")
    return keys


def region(text: str) -> str:
    """`AWS_REGION`: such as eu-central-1; empty where no KMS is used."""
    text = text.strip()
    if text and not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", text, re.ASCII):
        raise ImproperlyConfigured("AWS_REGION must be the name of a region, such as eu-central-1.")
    return text


def kms_endpoint(text: str) -> str:
    """`AWS_KMS_ENDPOINT`: https anywhere, http on loopback; empty for the region's own."""
    text = text.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        odd = parts.username or parts.query or parts.fragment or re.search(r"[\s\\]", text)
        sound = bool(parts.hostname) and not odd and parts.port != 0
    except ValueError:
        sound = False
    near = sound and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if not sound or not (near or parts.scheme == "https"):
        raise ImproperlyConfigured(
            "AWS_KMS_ENDPOINT must begin with https:// (http is for this machine alone), or be "
            "left out for the region's own."
        )
    return text


def _looks_wrapped(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) >= _SHORTEST
    except (binascii.Error, ValueError):
        return False

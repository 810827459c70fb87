"""The settings of master keys that AWS KMS wraps; each refusal names the setting."""

import base64
import binascii
import re
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.setting_parsers import LOOPBACK_HOSTS

_WRAPPED_KEY_PREFIX: Final = "aws-kms:"
# What KMS makes of 32 bytes is a little over 100 bytes long; nothing shorter can be one.
_WRAPPED_KEY_MIN_BYTES: Final = 64


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
    keys = [
        part.strip() for part in text.removeprefix(_WRAPPED_KEY_PREFIX).split(",") if part.strip()
    ]
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


def _is_wrapped_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) >= _WRAPPED_KEY_MIN_BYTES
    except (binascii.Error, ValueError):
        return False

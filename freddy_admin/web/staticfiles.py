"""Static addresses that carry a fingerprint of the file, without a build step."""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


class FingerprintStorage(StaticFilesStorage):
    """`/static/css/base.css?v=1a2b3c4d5e`: a changed file has a new address at once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept: dict[str | None, str] = {}

    def url(self, name: str | None) -> str:
        """The address; a file that is not there gets a plain one, which answers 404."""
        if settings.DEBUG:
            return self._address(name)
        # A page asks some fifty times, mostly for the sprite of its icons.
        return self._kept.get(name) or self._kept.setdefault(name, self._address(name))

    def _address(self, name: str | None) -> str:
        address = super().url(name)
        mark = _fingerprint(name) if name else ""
        return f"{address}?v={mark}" if mark else address


def integrity(name: str) -> str:
    """What a browser checks a script against before it runs it; empty for a missing file."""
    return _hashed(name) if settings.DEBUG else _hashed_once(name)


def _hashed(name: str) -> str:
    found = finders.find(name)
    if not found:
        return ""
    digest = hashlib.sha384(Path(found).read_bytes()).digest()
    return f"sha384-{base64.b64encode(digest).decode()}"


_hashed_once = lru_cache(maxsize=64)(_hashed)


def _fingerprint(name: str) -> str:
    return _digest(name) if settings.DEBUG else _digest_once(name)


def _digest(name: str) -> str:
    found = finders.find(name)
    if not found:
        return ""
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:10]


_digest_once = lru_cache(maxsize=512)(_digest)

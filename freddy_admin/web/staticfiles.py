"""URLs of static files with a fingerprint of the file, without a build step."""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


class FingerprintStorage(StaticFilesStorage):
    """URLs such as `/static/css/base.css?v=1a2b3c4d5e`: a changed file has a new one at once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._url_cache: dict[str | None, str] = {}

    def url(self, name: str | None) -> str:
        """The file's URL; without a fingerprint for a missing file, which answers 404."""
        if settings.DEBUG:
            return self._build_url(name)
        # A page calls this some fifty times, mostly for the sprite of its icons.
        return self._url_cache.get(name) or self._url_cache.setdefault(name, self._build_url(name))

    def _build_url(self, name: str | None) -> str:
        url = super().url(name)
        fingerprint = _file_fingerprint(name) if name else ""
        return f"{url}?v={fingerprint}" if fingerprint else url


def subresource_integrity(name: str) -> str:
    """The value of a script's `integrity` attribute; empty for a missing file."""
    return _compute_integrity(name) if settings.DEBUG else _cached_integrity(name)


def _compute_integrity(name: str) -> str:
    path = finders.find(name)
    if not path:
        return ""
    digest = hashlib.sha384(Path(path).read_bytes()).digest()
    return f"sha384-{base64.b64encode(digest).decode()}"


_cached_integrity = lru_cache(maxsize=64)(_compute_integrity)


def _file_fingerprint(name: str) -> str:
    return _compute_fingerprint(name) if settings.DEBUG else _cached_fingerprint(name)


def _compute_fingerprint(name: str) -> str:
    path = finders.find(name)
    if not path:
        return ""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


_cached_fingerprint = lru_cache(maxsize=512)(_compute_fingerprint)

"""Texts far too long for any field, and a watch over what is processed while one is sent."""

import difflib
import resource
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from zlib import crc32

from allauth.account.forms import UserTokenForm
from django.contrib.auth import password_validation
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.validators import EmailValidator
from django.forms import Field
from django.forms.forms import BaseForm
from django.http.response import HttpResponseBase
from django.test import Client

from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH, BoundedForm
from tests.drill_scale import RUN_FULL_DRILLS, drill_count
from tests.web.form_fuzzing import Pairs

OVERSIZED_BYTES = 900_000
# Of CPU, of this thread alone. Frozen ones took from ten seconds to minutes.
MAX_SECONDS = 0.5 if RUN_FULL_DRILLS else 2.0
# A request that freezes does so each time; a busy machine makes one or another cost more.
MAX_TRIES = 3
REPEATED_PIECES = {
    "combining marks": "\u0327\u0301",
    "letters": "a",
    "digits": "7",
    "brackets": "[",
    "commas": ",",
    "quotes": '"',
    "newlines": "\n",
    "spaces": " ",
    "at signs": "@",
    "dots": "a.",
    "equals signs": "=",
    "percent signs": "%",
    "letters and signs": "a!",
    "tags": "<b ",
    "slashes": "/\u0301",
    "nothing at all": "\0",
}
OVERSIZED_TEXTS = {
    name: "a" + piece * ((OVERSIZED_BYTES - 2) // len(piece.encode())) + "a"
    for name, piece in REPEATED_PIECES.items()
}
_BOUNDARY = "freddy-boundary"


def select_texts(*asked: str) -> list[str]:
    """Names of the texts to send: all in full drills, else a share that differs by field."""
    names, number = sorted(OVERSIZED_TEXTS), drill_count(len(OVERSIZED_TEXTS))
    offset = crc32(" ".join(asked).encode())
    return [names[(offset + n) % len(names)] for n in range(number)]


@dataclass
class FieldWatch:
    """Oversized texts that were processed all the same, and forms without bounds."""

    processed_texts: set[str] = field(default_factory=set)
    unbounded: set[str] = field(default_factory=set)

    def record_text(
        self, field_name: str, text: object, limit: int = DEFAULT_TEXT_MAX_LENGTH
    ) -> None:
        if isinstance(text, str) and len(text) > limit:
            self.processed_texts.add(f"{field_name}: {len(text):,} characters")


@contextmanager
def watch_form_fields() -> Iterator[FieldWatch]:
    """Record what is normalised, hashed, matched, compared or cleaned within the block."""
    watch = FieldWatch()
    clean_form, clean_field = BaseForm.full_clean, Field.clean

    def clean_form_watched(self: BaseForm) -> None:
        if self.is_bound and not isinstance(self, BoundedForm | UserTokenForm):
            watch.unbounded.add(type(self).__name__)
        clean_form(self)

    def clean_field_watched(self: Field, value: Any) -> Any:
        limit = getattr(self, "max_length", 0) or DEFAULT_TEXT_MAX_LENGTH
        for text in value if isinstance(value, list) else [value]:
            watch.record_text(f"field {self.label}", text, limit)
        return clean_field(self, value)

    with (
        patch.object(BaseForm, "full_clean", clean_form_watched),
        patch.object(Field, "clean", clean_field_watched),
        _watch_calls(watch, unicodedata, "normalize", 1),
        _watch_calls(watch, MD5PasswordHasher, "encode", 1),
        _watch_calls(watch, MD5PasswordHasher, "verify", 1),
        _watch_calls(watch, password_validation, "validate_password", 0),
        _watch_calls(watch, EmailValidator, "__call__", 1),
        _watch_calls(watch, difflib.SequenceMatcher, "__init__", 2),
        _watch_calls(watch, difflib.SequenceMatcher, "__init__", 3),
    ):
        yield watch


@contextmanager
def _watch_calls(watch: FieldWatch, holder: Any, name: str, position: int) -> Iterator[None]:
    """Record the argument at this position of each call, then call the real function."""
    real = getattr(holder, name)

    def call_watched(*args: Any, **kwargs: Any) -> Any:
        if len(args) > position:
            watch.record_text(name, args[position])
        return real(*args, **kwargs)

    with patch.object(holder, name, call_watched):
        yield


def send_form(client: Client, path: str, pairs: Pairs) -> tuple[HttpResponseBase, float]:
    """Send a multipart form, as a browser does with a file; the response and its CPU seconds."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in pairs
    ]
    body = f"{''.join(parts)}--{_BOUNDARY}--\r\n".encode("utf-8", "surrogatepass")
    return time_request(client, "POST", path, body, f"multipart/form-data; boundary={_BOUNDARY}")


def time_request(
    client: Client, method: str, path: str, body: bytes = b"", kind: str = "", **more: Any
) -> tuple[HttpResponseBase, float]:
    """Send a request; the response and the CPU seconds of this thread.

    Without those of the operating system: what it spends on a page of memory that is given back
    and asked for again says how full the heap of a test process is.
    """
    started = resource.getrusage(resource.RUSAGE_THREAD).ru_utime
    answer = client.generic(method, path, body, kind or "application/octet-stream", **more)
    return answer, resource.getrusage(resource.RUSAGE_THREAD).ru_utime - started

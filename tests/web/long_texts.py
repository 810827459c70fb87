"""Texts far too long for any field, and a watch over what is worked on while one is sent."""

import difflib
import time
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
from django.forms import BoundField, Field
from django.http.response import HttpResponseBase
from django.test import Client

from freddy_admin.core.forms import TEXT_AT_MOST, BoundedForm
from tests.drills import DRILLS_IN_FULL, drill_share
from tests.web.fuzzing import Pairs

BYTES = 900_000
# Of CPU, of this thread alone. Frozen ones took from ten seconds to minutes.
SECONDS = 0.5 if DRILLS_IN_FULL else 2.0
# What freezes does so each time; a busy machine makes one request or another cost more.
TRIES = 3
PIECES = {
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
TEXTS = {
    name: "a" + piece * ((BYTES - 2) // len(piece.encode())) + "a" for name, piece in PIECES.items()
}
_BOUNDARY = "freddy-boundary"


def some_texts(*asked: str) -> list[str]:
    """The names of those to send now: all of them, or a share that differs from field to field."""
    names, number = sorted(TEXTS), drill_share(len(TEXTS))
    first = crc32(" ".join(asked).encode())
    return [names[(first + n) % len(names)] for n in range(number)]


@dataclass
class Watch:
    """What was too long and yet worked on, and forms whose fields may be given anything."""

    worked_on: set[str] = field(default_factory=set)
    unbounded: set[str] = field(default_factory=set)

    def look(self, what: str, text: object, most: int = TEXT_AT_MOST) -> None:
        if isinstance(text, str) and len(text) > most:
            self.worked_on.add(f"{what}: {len(text):,} characters")


@contextmanager
def watched() -> Iterator[Watch]:
    """Looks at what is normalised, hashed, matched, compared or cleaned within the block."""
    watch = Watch()
    clean = Field._clean_bound_field

    def cleaned(self: Field, bound: BoundField) -> Any:
        if not isinstance(bound.form, BoundedForm | UserTokenForm):
            watch.unbounded.add(type(bound.form).__name__)
        texts = bound.data if isinstance(bound.data, list) else [bound.data]
        for text in texts:
            watch.look(f"field {bound.name}", text, getattr(self, "max_length", 0) or TEXT_AT_MOST)
        return clean(self, bound)

    with (
        patch.object(Field, "_clean_bound_field", cleaned),
        _seen(watch, unicodedata, "normalize", 1),
        _seen(watch, MD5PasswordHasher, "encode", 1),
        _seen(watch, MD5PasswordHasher, "verify", 1),
        _seen(watch, password_validation, "validate_password", 0),
        _seen(watch, EmailValidator, "__call__", 1),
        _seen(watch, difflib.SequenceMatcher, "__init__", 2),
        _seen(watch, difflib.SequenceMatcher, "__init__", 3),
    ):
        yield watch


@contextmanager
def _seen(watch: Watch, holder: Any, name: str, place: int) -> Iterator[None]:
    """As ever, but the argument at this place is looked at first."""
    real = getattr(holder, name)

    def looked_at(*args: Any, **kwargs: Any) -> Any:
        if len(args) > place:
            watch.look(name, args[place])
        return real(*args, **kwargs)

    with patch.object(holder, name, looked_at):
        yield


def send(client: Client, path: str, pairs: Pairs) -> tuple[HttpResponseBase, float]:
    """Send a form in parts, as a browser does with a file; the answer and its seconds of CPU."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in pairs
    ]
    body = f"{''.join(parts)}--{_BOUNDARY}--\r\n".encode("utf-8", "surrogatepass")
    return timed(client, "POST", path, body, f"multipart/form-data; boundary={_BOUNDARY}")


def timed(
    client: Client, method: str, path: str, body: bytes = b"", kind: str = "", **more: Any
) -> tuple[HttpResponseBase, float]:
    """Any request; the answer and its seconds of CPU."""
    before = time.thread_time()
    answer = client.generic(method, path, body, kind or "application/octet-stream", **more)
    return answer, time.thread_time() - before

"""Takes the key of a call out of what the other side said, however much of it was sent back.

Nothing here is kept, and no pattern is made of a key: `re` keeps the latest five hundred.
"""

import base64
import dataclasses
import html
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.text_cleaning import clean_text
from freddy_admin.aitronos.types import SyncStatusResponse

Value = TypeVar("Value")
RUN_LENGTH = 8  # characters of a key in a row that tell something about it
_HEX_RUN_LENGTH = 2 * RUN_LENGTH
# Cut into pieces of this length, a text with a run in it has a piece inside of the run.
_PROBE_LENGTH = 4
_ELLIPSIS = "…"
# What all keys begin with tells nothing. With signs in between a key is looked for from a few
# characters before its own part on: "an oak_live_ key" is no echo of a key that goes on with a k.
_SHARED_PREFIXES = ("oak_live_", "oak_prod_")
_LEAD_LENGTH = 5
# What the API page says of a refusal is no echo either, whatever a key is made of.
DOCUMENTED_ERROR_CODES = (
    "API_KEY_EXPIRED API_KEY_PAUSED API_KEY_DEACTIVATED INVALID_API_KEY AUTHENTICATION_REQUIRED "
    "INSUFFICIENT_PERMISSIONS ORGANIZATION_ACCESS_DENIED NO_ORGANIZATION_MEMBERSHIP "
    "AMBIGUOUS_ORGANIZATION OPERATION_NOT_ALLOWED RATE_LIMIT_EXCEEDED SPENDING_LIMIT "
    "RESOURCE_NOT_FOUND METHOD_NOT_ALLOWED VALIDATION_ERROR CONFLICT SERVICE_UNAVAILABLE"
)
# How the panel shows a key to everybody: its beginning, dots, its end, if enough stays hidden.
_DISPLAYED_START, _DISPLAYED_END, _MIN_HIDDEN = 13, 4, 16
# A number of HTML needs no end; what else begins as one may be a word beside an ampersand.
_ESCAPE = re.compile(
    r"%[0-9a-f]{2}|&[0-9a-z]{1,31};|&#(?:x[0-9a-f]{1,31}|[0-9]{1,31});?"
    r"|\\(?-i:U)000[0-9a-f]{5}|\\u\{[0-9a-f]{1,5}\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}",
    re.I,
)
_MAX_ESCAPE_LAYERS = 3  # of escapes within escapes
_LOOK_ALIKE = str.maketrans("İıſ", "iis")
_PLACEHOLDER_LETTER = "ж"
_ERROR_TEXT_FIELDS = (
    *("code", "message", "system_message", "error_type", "timestamp"),
    *("trace_id", "request_id", "field", "detail", "organization_id"),
)
# Nothing but numbers, times, true and false.
_TYPES_WITHOUT_TEXT = frozenset({SyncStatusResponse, int, bool, datetime, type(None)})
_SIGN_REMOVAL = str.maketrans("", "", "".join(c for c in map(chr, range(128)) if not c.isalnum()))


class Redactor:
    """Takes one key out of texts; made for a call and gone with it. None leaves texts alone.

    What is cut: every run of eight characters or more, in any letter case, backwards, in base64 or
    hexadecimal, with signs or white space in between, or escaped for a URL, HTML or JSON.
    What stays: a beginning that all keys share, and the form in which the panel shows this key.
    """

    __slots__ = (
        "_alphanumeric_forms",
        "_displayed_forms",
        "_hex_form",
        "_plain_forms",
        "_secret",
        "_shared_prefix",
    )

    def __init__(self, secret: str | None) -> None:
        self._secret = secret if secret and len(secret) >= RUN_LENGTH else ""
        self._hex_form = ""

    def _build_forms(self) -> None:
        secret = self._secret
        raw, lowered = secret.encode(), _fold_case_and_lookalikes(secret)
        self._shared_prefix = next(
            (prefix for prefix in _SHARED_PREFIXES if lowered.startswith(prefix)), ""
        )
        distinctive_part = lowered[max(0, len(self._shared_prefix) - _LEAD_LENGTH) :]
        base64_forms = [
            _fold_case_and_lookalikes(_base64_at_offset(raw, offset)) for offset in range(3)
        ]
        self._plain_forms = "\0".join((lowered, lowered[::-1], *base64_forms))
        self._alphanumeric_forms = "\0".join(
            map(_keep_letters_and_digits, (distinctive_part, distinctive_part[::-1], *base64_forms))
        )
        self._hex_form = raw.hex()
        hides_enough = len(secret) >= _DISPLAYED_START + _MIN_HIDDEN + _DISPLAYED_END
        parts = (secret[:_DISPLAYED_START], secret[-_DISPLAYED_END:])
        self._displayed_forms = (_ELLIPSIS.join(parts), "...".join(parts)) if hides_enough else ()

    def redact(self, text: str) -> str:
        """`text` with "…" for each run of the key; the same text where there is none."""
        if not text or not self._secret:
            return text
        if not self._hex_form:
            self._build_forms()  # most answers to a check have no text at all
        # First as it is, for what looks like an escape may be characters of the key.
        text_as_sent = self._replace_secret_echoes(text) if _ESCAPE.search(text) else text
        decoded = _decode_escapes_and_normalize(text_as_sent)
        redacted = self._replace_secret_echoes(decoded)
        if redacted is decoded:
            return text_as_sent
        # An escape may have been that of a control character.
        return clean_text(unicodedata.normalize("NFC", redacted), len(text))

    def _replace_secret_echoes(self, text: str) -> str:
        if not self._may_contain_secret(_fold_case_and_lookalikes(text)):
            return text
        # What was apart until something between was cut may be an echo in its turn.
        while spans := self._find_secret_spans(text):
            text = _replace_spans_with_ellipsis(text, spans)
        return text

    def _may_contain_secret(self, letters: str) -> bool:
        """Whether a run may stand there: a probe at every fourth character, so that it is cheap."""
        for haystack, needles in (
            (letters, self._plain_forms),
            (_keep_letters_and_digits(letters), self._alphanumeric_forms),
        ):
            for start in range(0, len(haystack) - _PROBE_LENGTH + 1, _PROBE_LENGTH):
                probe = haystack[start : start + _PROBE_LENGTH]
                if probe in needles or probe in self._hex_form:
                    return True
        return False

    def _find_secret_spans(self, text: str) -> list[tuple[int, int]]:
        """From where to where runs stand in `text`, in order; they may overlap."""
        letters = _fold_case_and_lookalikes(self._exempt_displayed_key_form(text))
        positions = [position for position, letter in enumerate(letters) if letter.isalnum()]
        alphanumeric = "".join(letters[position] for position in positions)
        spans = [
            *_find_secret_runs(letters, self._plain_forms, RUN_LENGTH),
            *_find_secret_runs(letters, self._hex_form, _HEX_RUN_LENGTH),
        ]
        for start, end in (
            *_find_secret_runs(alphanumeric, self._alphanumeric_forms, RUN_LENGTH),
            *_find_secret_runs(alphanumeric, self._hex_form, _HEX_RUN_LENGTH),
        ):
            spans.append((positions[start], positions[end - 1] + 1))
        return sorted(span for span in spans if not self._is_harmless_run(letters[slice(*span)]))

    def _exempt_displayed_key_form(self, text: str) -> str:
        """`text`, as long as it was, with letters of no key where the panel's own form stands."""
        for form in self._displayed_forms:
            start = text.find(form)
            while start >= 0:
                end = start + len(form)
                if not (
                    _is_word_character(text[start - 1 : start])
                    or _is_word_character(text[end : end + 1])
                ):
                    text = text[:start] + _PLACEHOLDER_LETTER * len(form) + text[end:]
                start = text.find(form, start + 1)
        return text

    def _is_harmless_run(self, run: str) -> bool:
        letters = _keep_letters_and_digits(run)
        return (
            run in self._shared_prefix
            or run in _FOLDED_ERROR_CODES
            or (len(letters) >= RUN_LENGTH and letters in _ERROR_CODE_LETTERS)
        )


def redact_error(error: AitronosError, redactor: Redactor) -> None:
    """Take the key out of what the other side said, should it have sent it back."""
    for name in _ERROR_TEXT_FIELDS:
        setattr(error, name, redactor.redact(getattr(error, name)))


def redact_value(value: Value, redactor: Redactor) -> Value:
    """A value of `types` with no trace of the key in its texts."""

    def redact_part(part: Any) -> Any:
        if type(part) in _TYPES_WITHOUT_TEXT:
            return part
        if isinstance(part, str):
            return redactor.redact(part)
        if isinstance(part, tuple):
            return tuple(map(redact_part, part))
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            names = [field.name for field in dataclasses.fields(part)]
            return type(part)(**{name: redact_part(getattr(part, name)) for name in names})
        return part

    redacted: Value = redact_part(value)
    return redacted


def _is_word_character(character: str) -> bool:
    """Whether it would make what stands beside it longer."""
    return character.isalnum() or character in {"_", "-"}


def _find_secret_runs(text: str, secret_forms: str, length: int) -> Iterator[tuple[int, int]]:
    """Each longest stretch of `text` covered by pieces of this length out of `secret_forms`."""
    start = end = 0
    for position in range(len(text) - length + 1):
        if text[position : position + length] not in secret_forms:
            continue
        if position >= end and end:
            yield start, end
        start = start if position < end else position
        end = position + length
    if end:
        yield start, end


def _replace_spans_with_ellipsis(text: str, spans: list[tuple[int, int]]) -> str:
    result, position = "", 0
    for start, end in spans:
        if start >= position:
            result += text[position:start] + _ELLIPSIS
        position = max(position, end)
    return result + text[position:]


def _decode_escapes_and_normalize(text: str) -> str:
    """`text` without escapes, each character of it in its simplest form."""
    for _ in range(_MAX_ESCAPE_LAYERS):
        if not _ESCAPE.search(text):
            break
        text = _ESCAPE.sub(_unescape_match, text)
    if text.isascii():
        return text
    return _ELLIPSIS.join(unicodedata.normalize("NFKD", part) for part in text.split(_ELLIPSIS))


def _unescape_match(escape: re.Match[str]) -> str:
    escape_text = escape.group()
    if escape_text.startswith("&"):
        return html.unescape(escape_text)
    return chr(int(escape_text.lstrip("%\\uUxX{").rstrip("}"), 16))


def _fold_case_and_lookalikes(text: str) -> str:
    """Small letters, one for each character, those that pass for an i or an s among them."""
    return text.lower() if text.isascii() else text.translate(_LOOK_ALIKE).lower()


def _keep_letters_and_digits(text: str) -> str:
    if text.isascii():
        return text.translate(_SIGN_REMOVAL)
    return "".join(filter(str.isalnum, text))


def _base64_at_offset(raw: bytes, offset: int) -> str:
    """Base64 of `raw` behind `offset` other bytes, less the characters that others share in."""
    encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
    return encoded[offset + 1 if offset else 0 : -1]


_FOLDED_ERROR_CODES = _fold_case_and_lookalikes(DOCUMENTED_ERROR_CODES)
_ERROR_CODE_LETTERS = "\0".join(map(_keep_letters_and_digits, _FOLDED_ERROR_CODES.split()))

"""Takes the key of a call out of what the other side said, however much of it was sent back.

Nothing here is kept, and no pattern is made of a key: `re` keeps the latest five hundred.
"""

import base64
import html
import re
import unicodedata
from collections.abc import Iterator

from freddy_admin.aitronos.text import cleaned

RUN = 8  # characters of a key in a row that tell something about it
_HEX_RUN = 2 * RUN
_STEP = 4  # cut into pieces of this length, a text with a run in it has a piece inside of the run
_MARK = "…"
# What all keys begin with tells nothing. With signs in between a key is looked for from a few
# characters before its own part on: "an oak_live_ key" is no echo of a key that goes on with a k.
_SHARED_STARTS = ("oak_live_", "oak_prod_")
_LEAD = 5
# What the API page says of a refusal is no echo either, whatever a key is made of.
_DOCUMENTED = (
    "API_KEY_EXPIRED API_KEY_PAUSED API_KEY_DEACTIVATED INVALID_API_KEY AUTHENTICATION_REQUIRED "
    "INSUFFICIENT_PERMISSIONS ORGANIZATION_ACCESS_DENIED NO_ORGANIZATION_MEMBERSHIP "
    "AMBIGUOUS_ORGANIZATION OPERATION_NOT_ALLOWED RATE_LIMIT_EXCEEDED SPENDING_LIMIT "
    "RESOURCE_NOT_FOUND METHOD_NOT_ALLOWED VALIDATION_ERROR CONFLICT SERVICE_UNAVAILABLE"
)
# How the panel shows a key to everybody: its beginning, dots, its end, if enough stays hidden.
_SHOWN_START, _SHOWN_END, _HIDDEN_AT_LEAST = 13, 4, 16
# A number of HTML needs no end; what else begins as one may be a word beside an ampersand.
_ESCAPE = re.compile(
    r"%[0-9a-f]{2}|&[0-9a-z]{1,31};|&#(?:x[0-9a-f]{1,31}|[0-9]{1,31});?"
    r"|\\(?-i:U)000[0-9a-f]{5}|\\u\{[0-9a-f]{1,5}\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}",
    re.I,
)
_LAYERS = 3  # of escapes within escapes
_LOOK_ALIKE = str.maketrans("İıſ", "iis")
_IN_NO_KEY = "ж"
_SIGNS = str.maketrans("", "", "".join(c for c in map(chr, range(128)) if not c.isalnum()))


class Redactor:
    """Takes one key out of texts; made for a call and gone with it. None leaves texts alone.

    What is cut: every run of eight characters or more, in any letter case, backwards, in base64 or
    hexadecimal, with signs or white space in between, or escaped for a URL, HTML or JSON.
    What stays: a beginning that all keys share, and the form in which the panel shows this key.
    """

    __slots__ = ("_bare", "_hex", "_plain", "_shown", "_start")

    def __init__(self, secret: str | None) -> None:
        secret = secret if secret and len(secret) >= RUN else ""
        raw, lowered = secret.encode(), _alike(secret)
        self._start = next((one for one in _SHARED_STARTS if lowered.startswith(one)), "")
        own = lowered[max(0, len(self._start) - _LEAD) :]
        coded = [_alike(_base64(raw, shift)) for shift in range(3)]
        self._plain = "\0".join((lowered, lowered[::-1], *coded))
        self._bare = "\0".join(map(_letters_of, (own, own[::-1], *coded)))
        self._hex = raw.hex()
        enough = len(secret) >= _SHOWN_START + _HIDDEN_AT_LEAST + _SHOWN_END
        parts = (secret[:_SHOWN_START], secret[-_SHOWN_END:])
        self._shown = (_MARK.join(parts), "...".join(parts)) if enough else ()

    def clean(self, text: str) -> str:
        """`text` with "…" for each run of the key; the same text where there is none."""
        if not self._hex:
            return text
        # First as it is, for what looks like an escape may be characters of the key.
        kept = self._without_echoes(text) if _ESCAPE.search(text) else text
        plain = _decoded(kept)
        found = self._without_echoes(plain)
        if found is plain:
            return kept
        # An escape may have been that of a control character.
        return cleaned(unicodedata.normalize("NFC", found), len(text))

    def _without_echoes(self, text: str) -> str:
        if not self._suspects(_alike(text)):
            return text
        # What was apart until something between was cut may be an echo in its turn.
        while spans := self._echoes(text):
            text = _cut(text, spans)
        return text

    def _suspects(self, letters: str) -> bool:
        """Whether a run may stand there: one look at every fourth character."""
        for looked, sought in ((letters, self._plain), (_letters_of(letters), self._bare)):
            for at in range(0, len(looked) - _STEP + 1, _STEP):
                piece = looked[at : at + _STEP]
                if piece in sought or piece in self._hex:
                    return True
        return False

    def _echoes(self, text: str) -> list[tuple[int, int]]:
        """From where to where runs stand in `text`, in order; they may overlap."""
        letters = _alike(self._without_shown(text))
        at = [place for place, letter in enumerate(letters) if letter.isalnum()]
        bare = "".join(letters[place] for place in at)
        spans = [*_runs(letters, self._plain, RUN), *_runs(letters, self._hex, _HEX_RUN)]
        for start, end in (*_runs(bare, self._bare, RUN), *_runs(bare, self._hex, _HEX_RUN)):
            spans.append((at[start], at[end - 1] + 1))
        return sorted(one for one in spans if not self._tells_nothing(letters[slice(*one)]))

    def _without_shown(self, text: str) -> str:
        """`text`, as long as it was, with letters of no key where the panel's own form stands."""
        for shown in self._shown:
            at = text.find(shown)
            while at >= 0:
                end = at + len(shown)
                if not (_joins(text[at - 1 : at]) or _joins(text[end : end + 1])):
                    text = text[:at] + _IN_NO_KEY * len(shown) + text[end:]
                at = text.find(shown, at + 1)
        return text

    def _tells_nothing(self, run: str) -> bool:
        letters = _letters_of(run)
        return run in self._start or run in _CODES or (len(letters) >= RUN and letters in _WORDS)


def _joins(character: str) -> bool:
    """Whether it would make what stands beside it longer."""
    return character.isalnum() or character in {"_", "-"}


def _runs(text: str, sought: str, length: int) -> Iterator[tuple[int, int]]:
    """Each longest stretch of `text` that is covered by pieces of this length out of `sought`."""
    start = end = 0
    for place in range(len(text) - length + 1):
        if text[place : place + length] not in sought:
            continue
        if place >= end and end:
            yield start, end
        start = start if place < end else place
        end = place + length
    if end:
        yield start, end


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    kept, done = "", 0
    for start, end in spans:
        if start >= done:
            kept += text[done:start] + _MARK
        done = max(done, end)
    return kept + text[done:]


def _decoded(text: str) -> str:
    """`text` without escapes, each character of it in its simplest form."""
    for _ in range(_LAYERS):
        if not _ESCAPE.search(text):
            break
        text = _ESCAPE.sub(_character, text)
    if text.isascii():
        return text
    return _MARK.join(unicodedata.normalize("NFKD", part) for part in text.split(_MARK))


def _character(escape: re.Match[str]) -> str:
    written = escape.group()
    if written.startswith("&"):
        return html.unescape(written)
    return chr(int(written.lstrip("%\\uUxX{").rstrip("}"), 16))


def _alike(text: str) -> str:
    """Small letters, one for each character, those that pass for an i or an s among them."""
    return text.lower() if text.isascii() else text.translate(_LOOK_ALIKE).lower()


def _letters_of(text: str) -> str:
    if text.isascii():
        return text.translate(_SIGNS)
    return "".join(filter(str.isalnum, text))


def _base64(raw: bytes, shift: int) -> str:
    """Base64 of `raw` behind `shift` other bytes, less the characters that others share in."""
    coded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
    return coded[shift + 1 if shift else 0 : -1]


_CODES = _alike(_DOCUMENTED)
_WORDS = "\0".join(map(_letters_of, _CODES.split()))

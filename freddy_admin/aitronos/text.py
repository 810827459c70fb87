"""Text from outside, made fit to be stored and shown: one line, no controls, cut."""

import unicodedata
from collections.abc import Mapping

# Control, format (bidi marks, zero width), surrogate, private use, unassigned, line separators.
_UNWANTED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MARKS_IN_A_ROW = 2
ID_LENGTH = 128
_HIDDEN = "…"
TELLING = 8  # characters of a secret that tell something about it
_LOOK_ALIKE = str.maketrans("İıſ", "iis")


def cleaned(value: object, limit: int) -> str:
    """`value` as harmless text of at most `limit` characters; "" for anything but text."""
    if not isinstance(value, str):
        return ""
    kept: list[str] = []
    marks = 0
    # Ten times the limit is plenty to fill it; a megabyte need not be walked through.
    for character in value[: 10 * limit]:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if marks > MARKS_IN_A_ROW:
            continue
        kept.append(" " if kind in _UNWANTED or character.isspace() else character)
    return " ".join("".join(kept).split())[:limit].rstrip()


def header_id(headers: Mapping[str, str], name: str) -> str:
    """The id in a header, harmless; "" where it is not sent."""
    return cleaned(headers.get(name), ID_LENGTH)


def without(text: str, secret: str) -> str:
    """`text` with no trace of `secret`, should the other side have sent it back.

    Looks for the beginning of it at the end as well: `text` may have been cut there. Capitals
    make no difference, for some texts are lowered on their way.
    """
    # No pattern is made of a secret: `re` keeps the latest five hundred, the secrets in them.
    looked, sought = _alike(text), _alike(secret)
    if len(secret) < TELLING or sought[:TELLING] not in looked:
        return text  # of less than that, any word might be a part
    kept, start = "", 0
    while (found := looked.find(sought, start)) >= 0:
        kept, start = kept + text[start:found] + _HIDDEN, found + len(sought)
    rest, left = text[start:], looked[start:]
    for length in range(min(len(sought), len(left)), TELLING - 1, -1):
        if left.endswith(sought[:length]):
            return kept + rest[:-length] + _HIDDEN
    return kept + rest


def tells(text: str, secret: str) -> bool:
    """Whether even the beginning of a secret stands in `text`, where it is long enough to."""
    return len(secret) >= TELLING and _alike(secret[:TELLING]) in _alike(text)


def _alike(text: str) -> str:
    """Small letters, one for each character, those that pass for an i or an s among them."""
    return text.lower() if text.isascii() else text.translate(_LOOK_ALIKE).lower()

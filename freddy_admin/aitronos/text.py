"""Text from outside, made fit to be stored and shown: one line, no controls, cut."""

import unicodedata
from collections.abc import Mapping

# Control, format (bidi marks, zero width), surrogate, private use, unassigned, line separators.
_UNWANTED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MARKS_IN_A_ROW = 2
ID_LENGTH = 128


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

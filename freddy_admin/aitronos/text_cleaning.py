"""Text from outside, made fit to be stored and shown: one line, no controls, cut."""

import unicodedata
from collections.abc import Mapping

# Control, format (bidi marks, zero width), surrogate, private use, unassigned, line separators.
_UNWANTED_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MAX_COMBINING_MARKS = 2
ID_LENGTH = 128
ORGANIZATION_HEADER = "aitronos-organization"  # whom the request was counted for


def clean_text(value: object, limit: int) -> str:
    """`value` as harmless text of at most `limit` characters; "" for anything but text."""
    if not isinstance(value, str):
        return ""
    characters: list[str] = []
    marks = 0
    # Ten times the limit is plenty to fill it; a megabyte need not be walked through.
    for character in value[: 10 * limit]:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if marks > MAX_COMBINING_MARKS:
            continue
        characters.append(" " if kind in _UNWANTED_CATEGORIES or character.isspace() else character)
    return " ".join("".join(characters).split())[:limit].rstrip()


def clean_header_id(headers: Mapping[str, str], name: str) -> str:
    """The id in a header, harmless; "" where it is not sent."""
    return clean_text(headers.get(name), ID_LENGTH)

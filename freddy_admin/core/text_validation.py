"""Text from outside: how long it may be, and how it stays one line wherever it is shown."""

import re
import unicodedata
from typing import Final

from django.utils.translation import gettext as _

from freddy_admin.core.errors import InvalidInput

# Joiners shape Persian, Indic and emoji text; every other invisible character can only deceive.
_ALLOWED_JOINERS = "\u200c\u200d"
_REFUSED_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Runs of Unicode's space separators, or a single one that is not the usual one.
_SPACES: Final = re.compile("[\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
# One composed character may be typed as several: a letter and its marks, a syllable's parts.
MAX_CODE_POINTS_PER_CHARACTER = 4


def validate_text_length(text: str, *, field: str | None, limit: int, parts: int = 1) -> None:
    """Refuse a text from outside that is too long, before anything else is done with it.

    Normalising, matching or hashing may take a time that grows faster than the text. Raises
    InvalidInput for `field` above `limit` characters of up to `parts` code points each.
    """
    if len(text) > limit * parts:
        raise InvalidInput(text_too_long_message(limit), field=field)


def text_too_long_message(limit: int) -> str:
    """The sentence beside a field that takes at most `limit` characters."""
    return _("Shorten this to at most %(limit)d characters.") % {"limit": limit}


def spaces_fold(text: str) -> str:
    """The text without white space around it, and with one plain blank for each run of spaces.

    Two texts that look alike in a line are then equal, whether a space was doubled or pasted as a
    no-break or an ideographic one.
    """
    return _SPACES.sub(" ", text).strip()


def typed_text_matches(typed: str, expected: str) -> bool:
    """Whether somebody typed this name to confirm: spaces and Unicode's forms do not matter."""
    return _composed_line(typed) == _composed_line(expected)


def case_folded(name: str) -> str:
    """The text by which names are compared that differ in case, width or spaces alone."""
    return unicodedata.normalize("NFKC", spaces_fold(name)).casefold()


def line_clean(value: str, *, field: str, limit: int, required: bool = True) -> str:
    """The text with its spaces folded and in Unicode's composed form, at most `limit` characters.

    Raises InvalidInput for `field` when it is too long, holds a control, invisible or
    direction-changing character, or is empty although it is `required`.
    """
    validate_text_length(value, field=field, limit=limit, parts=MAX_CODE_POINTS_PER_CHARACTER)
    value = value.strip()
    # Every refused character is unprintable, which is checked fast.
    if not value.isprintable() and any(is_refused_character(character) for character in value):
        raise InvalidInput(
            _("Leave out control and invisible characters: type the text instead of pasting it."),
            field=field,
        )
    text = _composed_line(value)
    validate_text_length(text, field=field, limit=limit)
    if required and not any(_is_visible_character(character) for character in text):
        raise InvalidInput(_("Fill this in."), field=field)
    return text


def is_invisible_character(character: str) -> bool:
    """Whether this is a control character, or one that shows nothing and can only deceive."""
    return unicodedata.category(character) in _REFUSED_CATEGORIES


def is_refused_character(character: str) -> bool:
    """Whether no name may hold this character: an invisible one that joins no letters."""
    return character not in _ALLOWED_JOINERS and is_invisible_character(character)


def _composed_line(text: str) -> str:
    return unicodedata.normalize("NFC", spaces_fold(text))


def _is_visible_character(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CMZ"

"""Text from outside: how long it may be, and how it stays one line wherever it is shown."""

import unicodedata

from django.utils.translation import gettext as _

from freddy_admin.core.errors import InvalidInput

# Joiners shape Persian, Indic and emoji text; every other invisible character can only deceive.
_JOINERS = "\u200c\u200d"
_REFUSED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# One composed character may be typed as several: a letter and its marks, a syllable's parts.
PARTS_AT_MOST = 4


def length_check(text: str, *, field: str | None, limit: int, parts: int = 1) -> None:
    """The door for every text from outside: nothing is done with one that is too long.

    What normalises, matches or hashes may take a time that grows faster than the text. Raises
    InvalidInput for `field` above `limit` characters of up to `parts` code points each.
    """
    if len(text) > limit * parts:
        raise InvalidInput(too_long(limit), field=field)


def too_long(limit: int) -> str:
    """The sentence beside a field that takes at most `limit` characters."""
    return _("Shorten this to at most %(limit)d characters.") % {"limit": limit}


def line_clean(value: str, *, field: str, limit: int, required: bool = True) -> str:
    """The text stripped and in Unicode's composed form (NFC), at most `limit` characters.

    Raises InvalidInput for `field` when it is too long, holds a control, invisible or
    direction-changing character, or is empty although it is `required`.
    """
    length_check(value, field=field, limit=limit, parts=PARTS_AT_MOST)
    value = value.strip()
    # All that is refused is not printable, and that is found out at once.
    if not value.isprintable() and any(_refused(character) for character in value):
        raise InvalidInput(
            _("Leave out control and invisible characters: type the text instead of pasting it."),
            field=field,
        )
    text = unicodedata.normalize("NFC", value)
    length_check(text, field=field, limit=limit)
    if required and not any(_visible(character) for character in text):
        raise InvalidInput(_("Fill this in."), field=field)
    return text


def _refused(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _REFUSED


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CMZ"

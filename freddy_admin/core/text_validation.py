"""Text from outside: how long it may be, and how it stays one line wherever it is shown."""

import unicodedata

from django.utils.translation import gettext as _

from freddy_admin.core.errors import InvalidInput

# Joiners shape Persian, Indic and emoji text; every other invisible character can only deceive.
_ALLOWED_JOINERS = "\u200c\u200d"
_REFUSED_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
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


def line_clean(value: str, *, field: str, limit: int, required: bool = True) -> str:
    """The text stripped and in Unicode's composed form (NFC), at most `limit` characters.

    Raises InvalidInput for `field` when it is too long, holds a control, invisible or
    direction-changing character, or is empty although it is `required`.
    """
    validate_text_length(value, field=field, limit=limit, parts=MAX_CODE_POINTS_PER_CHARACTER)
    value = value.strip()
    # Every refused character is unprintable, which is checked fast.
    if not value.isprintable() and any(_is_refused_character(character) for character in value):
        raise InvalidInput(
            _("Leave out control and invisible characters: type the text instead of pasting it."),
            field=field,
        )
    text = unicodedata.normalize("NFC", value)
    validate_text_length(text, field=field, limit=limit)
    if required and not any(_is_visible_character(character) for character in text):
        raise InvalidInput(_("Fill this in."), field=field)
    return text


def _is_refused_character(character: str) -> bool:
    return (
        character not in _ALLOWED_JOINERS and unicodedata.category(character) in _REFUSED_CATEGORIES
    )


def _is_visible_character(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CMZ"

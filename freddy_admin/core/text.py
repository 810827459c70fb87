"""Text that a person typed and that must stay one readable line wherever it is shown."""

import unicodedata

from django.utils.translation import gettext as _

from freddy_admin.core.errors import InvalidInput

# Joiners shape Persian, Indic and emoji text; every other invisible character can only deceive.
_JOINERS = "\u200c\u200d"
_REFUSED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def line_clean(value: str, *, field: str, limit: int, required: bool = True) -> str:
    """The text stripped and in Unicode's composed form (NFC), at most `limit` characters.

    Raises InvalidInput for `field` when it is too long, holds a control, invisible or
    direction-changing character, or is empty although it is `required`.
    """
    if any(_refused(character) for character in value.strip()):
        raise InvalidInput(
            _("Leave out control and invisible characters: type the text instead of pasting it."),
            field=field,
        )
    text = unicodedata.normalize("NFC", value.strip())
    if len(text) > limit:
        raise InvalidInput(
            _("Shorten this to at most %(limit)d characters.") % {"limit": limit}, field=field
        )
    if required and not any(_visible(character) for character in text):
        raise InvalidInput(_("Fill this in."), field=field)
    return text


def _refused(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _REFUSED


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CMZ"

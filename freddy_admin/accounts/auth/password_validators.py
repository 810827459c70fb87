"""Refuses passwords that are made of the panel's own names."""

from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# What the panel, its makers and its pages are called: tried first by whoever guesses.
PANEL_NAMES: Final = (
    "freddy",
    "aitronos",
    "admin",
    "panel",
    "freddyadmin",
    "connector",
    "password",
)
_LOOKALIKE_TO_LETTER = str.maketrans("01345789@$!", "oieastbgasi")


class PanelNameValidator:
    """Refuses a password that is one of `PANEL_NAMES` with digits and symbols around it."""

    def validate(self, password: str, user: object = None) -> None:
        """Raises ValidationError, which does not repeat the password."""
        del user
        stripped = _strip_to_letters(password.lower())
        if any(
            _ascii_letters(text) in _FORBIDDEN_PASSWORDS
            for text in (stripped, stripped.translate(_LOOKALIKE_TO_LETTER))
        ):
            raise ValidationError(
                _("This password is made of a name of this panel. Choose other words."),
                code="password_our_names",
            )

    def get_help_text(self) -> str:
        """The hint beside the password field."""
        return _("Your password can't be made of a name of this panel and numbers.")


def _strip_to_letters(text: str) -> str:
    """The text from its first letter to its last."""
    indexes = [index for index, char in enumerate(text) if char.isalpha()]
    return text[indexes[0] : indexes[-1] + 1] if indexes else ""


def _ascii_letters(text: str) -> str:
    return "".join(char for char in text if "a" <= char <= "z")


_FORBIDDEN_PASSWORDS: Final = {
    name + suffix for name in PANEL_NAMES for suffix in ("", *PANEL_NAMES)
}

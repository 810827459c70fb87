"""Passwords that say no more than where they are used."""

from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# What the panel, its makers and its pages are called: tried first by whoever guesses.
OUR_NAMES: Final = ("freddy", "aitronos", "admin", "panel", "freddyadmin", "connector", "password")
_PLAIN = str.maketrans("01345789@$!", "oieastbgasi")


class OurNamesValidator:
    """Refuses a password that is one of our names with numbers and signs around it."""

    def validate(self, password: str, user: object = None) -> None:
        """Raises ValidationError, which does not repeat the password."""
        del user
        core = _core(password.lower())
        if any(_bare(text) in _SPELLINGS for text in (core, core.translate(_PLAIN))):
            raise ValidationError(
                _("This password is made of a name of this panel. Choose other words."),
                code="password_our_names",
            )

    def get_help_text(self) -> str:
        """Stands beside the field."""
        return _("Your password can't be made of a name of this panel and numbers.")


def _core(text: str) -> str:
    """From the first letter to the last."""
    letters = [place for place, sign in enumerate(text) if sign.isalpha()]
    return text[letters[0] : letters[-1] + 1] if letters else ""


def _bare(text: str) -> str:
    return "".join(sign for sign in text if "a" <= sign <= "z")


_SPELLINGS: Final = {one + two for one in OUR_NAMES for two in ("", *OUR_NAMES)}

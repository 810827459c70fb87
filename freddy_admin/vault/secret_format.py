"""The format of a pasted secret, and how little of it is stored to be shown.

The texts handled here are secrets: no sentence, log line or error names any part of them.
"""

from collections.abc import Iterable
from typing import Final

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.core.errors import InvalidInput

SECRET_MAX_LENGTH: Final = 512
HINT_START_LENGTH: Final = 13
HINT_END_LENGTH: Final = 4
MIN_HIDDEN_BESIDE_BOTH_HINTS: Final = 16
MIN_HIDDEN_BESIDE_END_HINT: Final = 12
MIN_SEARCHED_LENGTH: Final = 8


@sensitive_variables()
def secret_clean(text: str) -> str:
    """The secret without white space around it.

    Raises InvalidInput with a message that never holds the text. Prefix and length are not
    judged: what a key looks like is for Aitronos to decide.
    """
    secret = text.strip()
    problem = _secret_problem(secret)
    if problem:
        raise InvalidInput(problem, field="api_key")
    return secret


@sensitive_variables()
def _secret_problem(secret: str) -> str:
    if not secret:
        return _("Paste the API key: this field is empty.")
    if len(secret) > SECRET_MAX_LENGTH:
        return _("This is longer than any API key (512 characters). Copy the key alone.")
    if any(character.isspace() for character in secret):
        return _("There is white space inside the key. Copy it again, on one line.")
    if not all("!" <= character <= "~" for character in secret):
        return _(
            "The key holds a character that no API key has, such as a curly quote or an "
            "invisible one. Copy it again from where it was made."
        )
    return ""


@sensitive_variables()
def secret_hints(secret: str) -> tuple[str, str]:
    """The first and last characters that may be shown, each possibly empty.

    The first 13 and the last 4 if at least 16 stay hidden, else the last 4 if 12 stay hidden,
    else nothing.
    """
    end = secret[-HINT_END_LENGTH:]
    if len(secret) >= HINT_START_LENGTH + MIN_HIDDEN_BESIDE_BOTH_HINTS + HINT_END_LENGTH:
        return secret[:HINT_START_LENGTH], end
    if len(secret) >= MIN_HIDDEN_BESIDE_END_HINT + HINT_END_LENGTH:
        return "", end
    return "", ""


@sensitive_variables()
def is_secret_in_texts(secret: str, texts: Iterable[str]) -> bool:
    """Whether one of these texts contains the secret (equals it, if it is under 8 characters)."""
    if len(secret) < MIN_SEARCHED_LENGTH:
        return secret in tuple(texts)
    return any(secret in text for text in texts)

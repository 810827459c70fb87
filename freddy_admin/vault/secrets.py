"""What a pasted secret must look like, and how little of it may be shown afterwards.

The texts handled here are secrets: no sentence, log line or error names any part of them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.core.errors import InvalidInput

if TYPE_CHECKING:
    from freddy_admin.vault.models import SealedSecret

MAX_LENGTH: Final = 512
START_LENGTH: Final = 13
END_LENGTH: Final = 4
HIDDEN_BESIDE_BOTH: Final = 16
HIDDEN_BESIDE_END: Final = 12
SHORTEST_LOOKED_FOR: Final = 8


@sensitive_variables()
def secret_clean(text: str) -> str:
    """The key without white space around it.

    Raises InvalidInput with a sentence that never holds the text. Prefix and length are not
    judged: what a key looks like is for Aitronos to decide.
    """
    secret = text.strip()
    problem = _problem_of(secret)
    if problem:
        raise InvalidInput(problem, field="api_key")
    return secret


@sensitive_variables()
def _problem_of(secret: str) -> str:
    if not secret:
        return _("Paste the API key: this field is empty.")
    if len(secret) > MAX_LENGTH:
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
def hints_of(secret: str) -> tuple[str, str]:
    """The first and last characters that may be shown, each possibly empty.

    The first 13 and the last 4 if at least 16 stay hidden, else the last 4 if 12 stay hidden,
    else nothing.
    """
    end = secret[-END_LENGTH:]
    if len(secret) >= START_LENGTH + HIDDEN_BESIDE_BOTH + END_LENGTH:
        return secret[:START_LENGTH], end
    if len(secret) >= HIDDEN_BESIDE_END + END_LENGTH:
        return "", end
    return "", ""


@sensitive_variables()
def secret_is_told(secret: str, texts: Iterable[str]) -> bool:
    """Whether one of these texts, which people get to see, gives the secret away."""
    if len(secret) < SHORTEST_LOOKED_FOR:
        return secret in tuple(texts)
    return any(secret in text for text in texts)


def masked(sealed: "SealedSecret") -> str:
    """The most that is ever shown of a stored key: `fk_0123456789…wxyz`, `…wxyz` or "hidden"."""
    if not sealed.hint_end:
        return _("hidden")
    return f"{sealed.hint_start}…{sealed.hint_end}"

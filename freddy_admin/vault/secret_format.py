"""The format of a pasted secret, and how little of it is stored to be shown.

The texts handled here are secrets: no sentence, log line or error names any part of them.
"""

import re
import unicodedata
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
# Curly, low and angle ones, primes, those of full width, and the acute accent.
_TYPOGRAPHIC_QUOTES: Final = frozenset(
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u2032\u2033\uff02\uff07\u00b4"
)
_PAIRED_QUOTES: Final = ('"', "'", "`")
# A name of letters, digits and `_`, and something after the sign: `=` at the end is padding.
_NAMED_KEY: Final = re.compile(
    r"(?:(?:export|set)\s+)?[A-Za-z0-9_]+\s*=+\s*[^\s=]", re.IGNORECASE | re.ASCII
)
_SCHEME: Final = re.compile(
    r"(?:[A-Za-z0-9-]+\s*:\s+\S|(?:[A-Za-z-]+\s*:\s*)?(?:Bearer|Basic|Token|ApiKey)\s)",
    re.IGNORECASE | re.ASCII,
)
_KEY_CHARACTERS: Final = re.compile("[!-~]+")
# What pages show of a key that they hide: signs in its place, or between its two ends.
_MASKED_KEY: Final = re.compile(r"[*#•●.]+|.*(?:\*{3,}|[•●]{3,}|\.{3,}|…).*", re.DOTALL)
# What a spreadsheet made of a cell: its errors, numbers that it shortened, and formulas.
_SPREADSHEET_DAMAGE: Final = re.compile(
    r"#(?:REF|VALUE|NAME|DIV/0|NUM|NULL|SPILL|N/A)[!?]?|[0-9]+(?:[.,][0-9]+)?E\+[0-9]+"
    r"|=[A-Za-z.]+\(.*\)"
)
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_COLUMN_NAMES: Final = frozenset({"api_key", "api key", "apikey"})


@sensitive_variables()
def secret_clean(text: str) -> str:
    """The secret without what pasting puts around it: white space, quotes, invisible characters.

    Raises InvalidInput with a message that never holds the text. Prefix and length are not
    judged: what a key looks like is for Aitronos to decide.
    """
    secret = secret_strip_surroundings(text)
    problem = _secret_problem(secret)
    if problem:
        raise InvalidInput(problem, field="api_key")
    return secret


@sensitive_variables()
def secret_strip_surroundings(text: str) -> str:
    """The text without white space, typographic quotes and invisible characters at its ends.

    Straight quotes and backticks, which a key might hold, go in pairs alone; so does `="…"`, by
    which spreadsheets are told not to alter a cell.
    """
    secret = text.strip()
    if secret.isascii() and secret[-1:] not in _PAIRED_QUOTES:
        return secret
    start, end = 0, len(secret)
    while start < end and _is_surrounding(secret[start]):
        start += 1
    while end > start and _is_surrounding(secret[end - 1]):
        end -= 1
    secret = secret[start:end]
    unmarked = secret.removeprefix("=") if secret.startswith('="') else secret
    is_paired = len(unmarked) > 2 and unmarked[0] == unmarked[-1]
    if is_paired and unmarked[0] in _PAIRED_QUOTES:
        return secret_strip_surroundings(unmarked[1:-1])
    return secret


def _is_surrounding(character: str) -> bool:
    return (
        character in _TYPOGRAPHIC_QUOTES
        or character.isspace()
        or unicodedata.category(character) == "Cf"
    )


@sensitive_variables()
def _secret_problem(secret: str) -> str:
    if not secret:
        return _("Paste the API key: this field is empty.")
    if len(secret) > SECRET_MAX_LENGTH:
        return _("This is longer than any API key (512 characters). Copy the key alone.")
    if _NAMED_KEY.match(secret):
        return _("This is a name with a key behind it, as NAME=KEY. Paste the key alone.")
    if _SCHEME.match(secret):
        return _(
            "This begins with a word such as Bearer, as a header does. Paste what follows it alone."
        )
    stand_in_problem = _stand_in_problem(secret)
    if stand_in_problem or _KEY_CHARACTERS.fullmatch(secret):
        return stand_in_problem
    if any(character.isspace() for character in secret):
        return _("There is white space inside the key. Copy it again, on one line.")
    if any(character in _TYPOGRAPHIC_QUOTES for character in secret):
        return _(
            "There is a typographic quotation mark inside the key, which no API key has. Copy it "
            "again from where it was made."
        )
    if any(unicodedata.category(character) in {"Cf", "Cc"} for character in secret):
        return _(
            "There is an invisible character inside the key, which no API key has. Copy it again "
            "from where it was made."
        )
    return _(
        "The key holds a character that no API key has, such as a letter with an accent. Copy it "
        "again from where it was made."
    )


@sensitive_variables()
def _stand_in_problem(secret: str) -> str:
    """What is wrong with a text that stands where a key was; "" for any other."""
    if secret.casefold() in _COLUMN_NAMES:
        return _("This is the name of the column, not a key. Paste the key.")
    if _MASKED_KEY.fullmatch(secret):
        return _(
            "This is what a page shows in place of a key, with most of it hidden. Copy the whole "
            "key where it was made, or make a new one."
        )
    if _SPREADSHEET_DAMAGE.fullmatch(secret):
        return _(
            "This is an error, a formula or a shortened number of a spreadsheet, not a key. Make "
            "the column one of text there, and paste the key anew."
        )
    if _ADDRESS.match(secret):
        return _("This is an address, not a key. Paste the key alone.")
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

"""How Aitronos refused a key, as rows keep it: pure, and the same in Python and in SQL."""

from typing import Final

# A 401 with one of these says something of the very key.
KEY_NAMING_CODES: Final = frozenset({"API_KEY_EXPIRED", "API_KEY_PAUSED", "API_KEY_DEACTIVATED"})
_UNKNOWN_KEY_CODE: Final = "INVALID_API_KEY"
# Any other 401, whatever its code: the same refusal for all keys.
UNNAMED_REFUSAL: Final = "401"
# Names the key only where others of the same Aitronos organisation work.
UNKNOWN_KEY_REFUSAL: Final = f"401 {_UNKNOWN_KEY_CODE}"
KEY_NAMING_REFUSALS: Final = frozenset(f"401 {code}" for code in KEY_NAMING_CODES)
# Not allowed to anybody at present: nobody of ours can do anything.
NOBODY_ALLOWED_REFUSAL: Final = "403 OPERATION_NOT_ALLOWED"
REFUSAL_LENGTH: Final = 80


def refusal_from_failure(http_status: int | None, code: str) -> str:
    """The refusal of a check that ended with this status and code: `401`, or `403 CODE`."""
    if http_status == 401 and code not in {*KEY_NAMING_CODES, _UNKNOWN_KEY_CODE}:
        return UNNAMED_REFUSAL
    return f"{http_status or 401} {code}".strip()[:REFUSAL_LENGTH]


def refusal_parts(refusal: str) -> tuple[int, str]:
    """The HTTP status and the code that a refusal was made from; "" for a code of no meaning."""
    status, _, code = refusal.partition(" ")
    return int(status), code


def refusal_class(refusal: str) -> str:
    """What refusals that are the same have in common: `401` for all that name no key."""
    return UNNAMED_REFUSAL if refusal == UNKNOWN_KEY_REFUSAL else refusal

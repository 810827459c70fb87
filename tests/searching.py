"""Looks for a planted key in texts and bytes: whole, in other programs' spelling, and in parts."""

import base64

from freddy_admin.vault.secrets import hints_of

PLANTED = "planted_Zq7Xw2Rk9Lm4Vt8Nb3Hs6Jd1Fg5Pc0Ya"


def parts_in_a_row(text: str, length: int) -> list[str]:
    """All pieces of this length."""
    return [text[place : place + length] for place in range(len(text) - length + 1)]


def spellings(secret: str) -> list[str]:
    """The whole as other programs would write it: backwards, hexadecimal, base64 at any offset."""
    raw = secret.encode()
    shifted = [
        base64.b64encode(b"\0" * shift + raw).decode()[4:].rstrip("=")[:-2] for shift in range(3)
    ]
    return [raw.hex(), raw.hex().upper(), secret[::-1], *shifted]


def parts_of(secret: str) -> list[str]:
    """Every eight characters in a row that may not be shown; and the whole, as others spell it."""
    start, end = hints_of(secret)
    hidden = secret[len(start) : len(secret) - len(end)]
    return [*parts_in_a_row(hidden, 8), hidden[::-1], *spellings(secret)]


def found_in(text: str | bytes, secret: str = PLANTED) -> list[str]:
    """The parts of it that are there; an empty list is what a test wants to see."""
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    return [part for part in parts_of(secret) if part in shown]

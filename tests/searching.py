"""Looks for a planted key in texts and bytes: whole, in other programs' spelling, and in parts."""

import base64

from freddy_admin.vault.secrets import hints_of

PLANTED = "planted_Zq7Xw2Rk9Lm4Vt8Nb3Hs6Jd1Fg5Pc0Ya"


def parts_of(secret: str) -> list[str]:
    """Every eight characters in a row that may not be shown; and the whole, as others spell it."""
    start, end = hints_of(secret)
    hidden = secret[len(start) : len(secret) - len(end)]
    pieces = [hidden[place : place + 8] for place in range(len(hidden) - 7)]
    raw = secret.encode()
    shifted = [
        base64.b64encode(b"\0" * shift + raw).decode()[4:].rstrip("=")[:-2] for shift in range(3)
    ]
    return [*pieces, raw.hex(), raw.hex().upper(), secret[::-1], hidden[::-1], *shifted]


def found_in(text: str | bytes, secret: str = PLANTED) -> list[str]:
    """The parts of it that are there; an empty list is what a test wants to see."""
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    return [part for part in parts_of(secret) if part in shown]

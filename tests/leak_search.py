"""Looks for a planted key in texts and bytes: whole, in other programs' spelling, and in parts."""

import base64

from freddy_admin.vault.secret_format import secret_hints

PLANTED_KEY = "planted_Zq7Xw2Rk9Lm4Vt8Nb3Hs6Jd1Fg5Pc0Ya"


def substrings_of_length(text: str, length: int) -> list[str]:
    """All substrings of `text` of this length."""
    return [text[start : start + length] for start in range(len(text) - length + 1)]


def encoded_forms(secret: str) -> list[str]:
    """The secret as other programs write it: backwards, hexadecimal, base64 at any offset."""
    secret_bytes = secret.encode()
    base64_forms = [
        base64.b64encode(b"\0" * offset + secret_bytes).decode()[4:].rstrip("=")[:-2]
        for offset in range(3)
    ]
    return [secret_bytes.hex(), secret_bytes.hex().upper(), secret[::-1], *base64_forms]


def leaked_parts(secret: str) -> list[str]:
    """Every eight characters in a row that may not be shown, and the encoded forms of all."""
    hint_start, hint_end = secret_hints(secret)
    hidden = secret[len(hint_start) : len(secret) - len(hint_end)]
    return [*substrings_of_length(hidden, 8), hidden[::-1], *encoded_forms(secret)]


def find_leaks(text: str | bytes, secret: str = PLANTED_KEY) -> list[str]:
    """The parts of `secret` that stand in `text`; empty where nothing leaked."""
    searched_text = text.decode("latin-1") if isinstance(text, bytes) else text
    return [part for part in leaked_parts(secret) if part in searched_text]

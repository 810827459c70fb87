"""Escapes cells that a spreadsheet would take for formulas (OWASP ASVS 1.2.10)."""

import re
from unicodedata import category, normalize

_FORMULA_PREFIXES = "=+-@\t\r\n|%"
# Where a comma divides decimals, spreadsheets divide cells at semicolons, whatever the file says.
_FORMULA_AFTER_SEMICOLON = re.compile(r"(;[\"\s]*)(?=[=+\-@|%\uff1d\uff0b\uff0d\uff20])")


def escape_csv_cell(value: object) -> str:
    """The value as text; one that begins like a formula gets an apostrophe before it.

    Full-width forms count as what they are folded to; so do control and invisible characters,
    since a spreadsheet may strip them before it looks. So does what follows a semicolon.
    """
    text = _FORMULA_AFTER_SEMICOLON.sub(r"\1'", "" if value is None else str(value))
    if not text:
        return text
    first = text[0]
    folded = normalize("NFKC", first)[:1] or first
    dangerous = folded in _FORMULA_PREFIXES or category(first) in {"Cc", "Cf", "Zl", "Zp"}
    stripped = text.lstrip()
    hidden = (
        bool(stripped)
        and stripped is not text
        and normalize("NFKC", stripped[0])[:1] in _FORMULA_PREFIXES
    )
    return f"'{text}" if dangerous or hidden else text

"""Makes cells harmless that a spreadsheet would take for formulas (OWASP ASVS 1.2.10)."""

from unicodedata import category, normalize

_STARTS = "=+-@\t\r\n|%"


def cell_safe(value: object) -> str:
    """The value as text; one that begins like a formula gets an apostrophe before it.

    Full-width forms count as what they are folded to; so do control and invisible characters,
    since a spreadsheet may strip them before it looks.
    """
    text = "" if value is None else str(value)
    if not text:
        return text
    first = text[0]
    folded = normalize("NFKC", first)[:1] or first
    dangerous = folded in _STARTS or category(first) in {"Cc", "Cf", "Zl", "Zp"}
    stripped = text.lstrip()
    hidden = (
        bool(stripped) and stripped is not text and normalize("NFKC", stripped[0])[:1] in _STARTS
    )
    return f"'{text}" if dangerous or hidden else text

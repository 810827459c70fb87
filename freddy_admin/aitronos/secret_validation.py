"""The client's own guard: what cannot be a key is never put into a header."""

LONGEST_SECRET = 512


class UnsendableSecret(ValueError):
    """The text cannot be sent; says why (`reason`), never what it was."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def validate_secret(text: str) -> str:
    """The key without white space around it. Raises UnsendableSecret."""
    text = text.strip()
    if not text:
        raise UnsendableSecret("empty")
    if len(text) > LONGEST_SECRET:
        raise UnsendableSecret("too_long")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise UnsendableSecret("characters")
    return text

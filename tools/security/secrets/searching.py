"""Holds the shapes against texts, and leaves out what is known and harmless."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tools.security.secrets.known import HARMLESS, PLACE
from tools.security.secrets.reading import Text
from tools.security.secrets.shapes import LINES, TEXTS


class Found(NamedTuple):
    """A secret, told without saying it."""

    text: Text
    line: int
    what: str
    value: str

    def told(self) -> str:
        """Enough to find it, and to name it in the list of harmless ones."""
        digest = hashlib.sha256(self.value.encode("latin-1")).hexdigest()
        return f"{self.what}, begins with {self.value[:4]!r}, sha256 {digest[:16]}"


def found_in(texts: Iterable[Text], seen: set[str]) -> Iterator[Found]:
    """Each secret that nobody has called harmless; a line in `seen` is not looked at again."""
    for text in texts:
        for shape in TEXTS:
            for value in shape.analyze_string(text.content):
                if value in seen:
                    continue
                seen.add(value)
                line = text.content.count("\n", 0, text.content.find(value)) + 1
                yield from _judged(text, line, shape.secret_type, value)
        for number, line_text in enumerate(text.content.split("\n"), 1):
            if line_text in seen:
                continue
            seen.add(line_text)
            for shape in LINES:
                for value in shape.analyze_string(line_text):
                    yield from _judged(text, number, shape.secret_type, value)


def _judged(text: Text, line: int, what: str, value: str) -> Iterator[Found]:
    if value not in HARMLESS and not PLACE.fullmatch(value):
        yield Found(text, line, what, value)

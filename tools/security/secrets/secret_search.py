"""Runs the detectors over texts, and leaves out harmless values."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tools.security.secrets.detectors import LINE_DETECTORS, TEXT_DETECTORS
from tools.security.secrets.git_texts import GitText
from tools.security.secrets.harmless_values import HARMLESS_VALUES, PLACEHOLDER


class SecretFinding(NamedTuple):
    """A secret in a text, which can be described without its value."""

    text: GitText
    line: int
    kind: str
    value: str

    def describe(self) -> str:
        """The kind of the secret and enough of its digest to find it, never the whole value."""
        digest = hashlib.sha256(self.value.encode("latin-1")).hexdigest()
        return f"{self.kind}, begins with {self.value[:4]!r}, sha256 {digest[:16]}"


def find_secrets(texts: Iterable[GitText], seen_lines: set[str]) -> Iterator[SecretFinding]:
    """Each secret that is not listed as harmless; a line in `seen_lines` is not searched again."""
    for text in texts:
        for detector in TEXT_DETECTORS:
            for value in detector.analyze_string(text.content):
                if value in seen_lines:
                    continue
                seen_lines.add(value)
                line = text.content.count("\n", 0, text.content.find(value)) + 1
                yield from _filter_harmless(text, line, detector.secret_type, value)
        for number, line_text in enumerate(text.content.split("\n"), 1):
            if line_text in seen_lines:
                continue
            seen_lines.add(line_text)
            for detector in LINE_DETECTORS:
                for value in detector.analyze_string(line_text):
                    yield from _filter_harmless(text, number, detector.secret_type, value)


def _filter_harmless(text: GitText, line: int, kind: str, value: str) -> Iterator[SecretFinding]:
    if value not in HARMLESS_VALUES and not PLACEHOLDER.fullmatch(value):
        yield SecretFinding(text, line, kind, value)

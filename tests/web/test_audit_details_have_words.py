"""Whatever is written down beside an event is named in words, wherever it is written."""

import ast
from collections.abc import Iterator
from pathlib import Path

from freddy_admin.web.presenters.audit_details import _HIDDEN, _NAMES

CODE = Path(__file__).resolve().parents[2] / "freddy_admin"
WRITING = {
    "audit_record",
    "audit_record_if_possible",
    "key_record",
    "_record",
    "_second_factor_changed",
}
OWN = {"tag", "actor", "place", "subject", "same_as"}


def _written() -> Iterator[str]:
    for file in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            if name in WRITING:
                yield from (word.arg for word in node.keywords if word.arg)


def test_the_search_finds_them() -> None:
    assert {"filters", "to_test", "place_ended", "changes"} <= set(_written())


def test_each_has_words() -> None:
    assert set(_written()) - OWN - set(_HIDDEN) - set(_NAMES) == set()

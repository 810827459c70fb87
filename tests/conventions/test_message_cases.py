"""`docs/architecture.md` names a test for each of forty mistakes of alerting programs."""

import ast
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
CASE_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (`tests/.+?) \|$", re.MULTILINE)
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_case_has_its_row() -> None:
    assert [int(number) for number, _case, _tests in CASE_ROW.findall(PAGE)] == list(range(1, 41))


def test_every_named_test_exists() -> None:
    for number, _case, tests in CASE_ROW.findall(PAGE):
        names = NAMED_TEST.findall(tests)
        assert len(names) == tests.count("`") // 2, number
        missing = [name for path, name in names if name not in _test_names(path)]
        assert missing == [], number


@lru_cache
def _test_names(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }

"""`docs/security.md` covers every drill and requirement, and every test it names exists."""

import ast
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
NUMBERS = (Path(__file__).parent / "asvs_5_levels_1_and_2.txt").read_text()
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
REQUIREMENT_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| (.+?) \|$", re.MULTILINE)
DRILL_ROW = re.compile(r"^\| (S\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
PANEL_FILE = re.compile(
    r"`(?:freddy_admin/)?((?:accounts|aitronos|conf|core|organisations|web)/[\w/]+\.py)`"
)
ANSWERS = ("met", "partly: ", "not met: ", "not met here: ", "not applicable")


def test_every_named_test_exists() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAMED_TEST.findall(PAGE)
        if not (ROOT / path).is_file() or (name and name not in _function_names(path))
    ]
    assert missing == []
    assert len(NAMED_TEST.findall(PAGE)) > 100


def test_every_drill_has_its_row_with_a_test_or_a_reason() -> None:
    rows = {row[0]: row for row in DRILL_ROW.findall(PAGE)}
    assert list(rows) == [f"S{number}" for number in range(1, 41)]
    for name, _attack, evidence, figure in rows.values():
        has_evidence = NAMED_TEST.search(evidence) or "`make " in evidence
        assert has_evidence or "not applicable: " in figure, name


def test_every_requirement_of_both_levels_has_its_answer() -> None:
    required = [tuple(entry.split(":")) for entry in re.findall(r"\d+\.\d+\.\d+:\d", NUMBERS)]
    rows = REQUIREMENT_ROW.findall(PAGE)
    assert [(number, level) for number, level, _, _ in rows] == required
    levels = [level for _, level in required]
    assert (levels.count("1"), levels.count("2")) == (70, 183)
    assert [row for row in rows if not row[3].startswith(ANSWERS)] == []


def test_every_named_file_exists() -> None:
    paths = PANEL_FILE.findall(PAGE)
    assert paths
    assert [path for path in paths if not (ROOT / "freddy_admin" / path).is_file()] == []


@lru_cache
def _function_names(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

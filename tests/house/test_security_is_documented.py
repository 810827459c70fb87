"""`docs/security.md` leaves nothing out and names no test that is not there."""

import ast
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
NUMBERS = (Path(__file__).parent / "asvs_5_levels_1_and_2.txt").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| (.+?) \|$", re.MULTILINE)
DRILL = re.compile(r"^\| (S\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
OURS = re.compile(r"`(?:freddy_admin/)?((?:accounts|core|web|organisations|aitronos)/\w+\.py)`")
ANSWERS = ("met", "partly: ", "not met: ", "not met here: ", "not applicable")


def test_every_named_test_is_there() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAMED.findall(PAGE)
        if not (ROOT / path).is_file() or (name and name not in _functions(path))
    ]
    assert missing == []
    assert len(NAMED.findall(PAGE)) > 100


def test_every_drill_has_its_row_with_a_test_or_a_reason() -> None:
    rows = {found[0]: found for found in DRILL.findall(PAGE)}
    assert list(rows) == [f"S{number}" for number in range(1, 41)]
    for name, _, shown, figure in rows.values():
        assert NAMED.search(shown) or "`make " in shown or "not applicable: " in figure, name


def test_every_requirement_of_both_levels_has_its_answer() -> None:
    asked = [tuple(one.split(":")) for one in re.findall(r"\d+\.\d+\.\d+:\d", NUMBERS)]
    found = ROW.findall(PAGE)
    assert [(number, level) for number, level, _, _ in found] == asked
    levels = [level for _, level in asked]
    assert (levels.count("1"), levels.count("2")) == (70, 183)
    assert [row for row in found if not row[3].startswith(ANSWERS)] == []


def test_every_file_it_names_is_there() -> None:
    named = re.findall(
        r"`(?:freddy_admin/)?((?:accounts|core|web|organisations|aitronos)/\w+\.py)`", PAGE
    )
    assert named
    assert [path for path in named if not (ROOT / "freddy_admin" / path).is_file()] == []


@lru_cache
def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

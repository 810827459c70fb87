"""No regular expression of ours takes a time that grows faster than the text it is given."""

import ast
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.drills import DRILLS_IN_FULL
from tests.house.patterns import ROOT, Asked, asked_everywhere, hostile, unwritten

# Of CPU. A linear pattern takes thousandths of it, a square one many times as much.
SECONDS = 0.2
# Small at first: of a pattern whose time doubles with each character, a few more are for ever.
SIZES = [16, 20, 22, 24, 40, 80, 200, 1_000, 5_000, 20_000, 50_000]
FEW_SIZES = [20, 24, 15_000]
# Put together from constants of the same module, from settings or from tables: see each.
WRITTEN_ELSEWHERE = {
    "freddy_admin/core/configuration.py",
    "freddy_admin/core/database_faults.py",
}


@cache
def _patterns() -> list[Asked]:
    return asked_everywhere()


def _steps(pattern: re.Pattern[Any], way: str) -> Iterator[tuple[str, int, float]]:
    ask = getattr(pattern, way)
    ready = (lambda text: ask("", text)) if way in {"sub", "subn"} else ask
    for begin, piece, end in hostile(pattern):
        for size in SIZES if DRILLS_IN_FULL else FEW_SIZES:
            text = begin + piece * (size // len(piece)) + end
            subject = text.encode("latin-1", "replace") if _is_bytes(pattern) else text
            before = time.thread_time()
            found = ready(subject)
            if way == "finditer":
                list(found)
            yield repr((begin, piece, end)), size, time.thread_time() - before


def _is_bytes(pattern: re.Pattern[Any]) -> bool:
    return isinstance(pattern.pattern, bytes)


def _slowest(pattern: re.Pattern[Any], way: str) -> tuple[str, int] | None:
    """The first text that takes too long, and its length."""
    for text, size, seconds in _steps(pattern, way):
        if seconds > SECONDS:
            return text, size
    return None


@pytest.mark.drill
def test_no_pattern_of_ours_is_slow_with_a_hostile_text() -> None:
    found = {
        f"{one.where}: {one.pattern.pattern!r}.{one.way}": _slowest(one.pattern, one.way)
        for one in _patterns()
    }
    assert {name: slow for name, slow in found.items() if slow} == {}


@pytest.mark.parametrize(
    ("pattern", "way"),
    [
        (r"(?=[!-~]*[A-Za-z])(?=[!-~]*\d)[!-~]{20,}", "search"),
        (r"^[\W\d_]+|[\W\d_]+$", "sub"),
        (r"(a+)+b", "fullmatch"),
    ],
)
def test_a_pattern_with_overlapping_repetitions_is_found(pattern: str, way: str) -> None:
    assert _slowest(re.compile(pattern), way)


def test_all_patterns_are_walked() -> None:
    by_file = {one.where for one in _patterns()}
    for path in sorted((ROOT / "freddy_admin").rglob("*.py")):
        where, source = str(path.relative_to(ROOT)), path.read_text()
        if "import re\n" in source and "migrations" not in where:
            assert where in by_file | WRITTEN_ELSEWHERE, where


def test_no_pattern_is_put_together_where_a_text_from_outside_is_asked() -> None:
    made = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "freddy_admin").rglob("*.py")
        if unwritten(ast.parse(path.read_text()))
    }
    assert made == WRITTEN_ELSEWHERE

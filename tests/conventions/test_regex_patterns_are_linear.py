"""No regular expression of the panel takes time that grows faster than its text."""

import ast
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.conventions.regex_patterns import (
    ROOT,
    RegexUse,
    hostile_text_parts,
    list_composed_patterns,
    list_regex_uses,
)
from tests.drill_scale import RUN_FULL_DRILLS

# CPU time. A linear pattern takes thousandths of it, a quadratic one many times as much: half the
# text with a quarter of the time finds the same.
SECONDS = 0.2 if RUN_FULL_DRILLS else 0.05
# Small at first: where time doubles with each character, a few more take for ever.
SIZES = [16, 20, 22, 24, 40, 80, 200, 1_000, 5_000, 20_000, 50_000]
FEW_SIZES = [20, 24, 7_500]
# Files that compose patterns, from constants of the module, from settings or from tables.
COMPOSING_FILES = {
    "freddy_admin/conf/setting_parsers.py",
    "freddy_admin/core/cache_errors.py",
    "freddy_admin/core/database_errors.py",
}


@cache
def _list_regex_uses() -> list[RegexUse]:
    return list_regex_uses()


def _match_times(pattern: re.Pattern[Any], method: str) -> Iterator[tuple[str, int, float]]:
    call = getattr(pattern, method)
    match = (lambda text: call("", text)) if method in {"sub", "subn"} else call
    for prefix, piece, suffix in hostile_text_parts(pattern):
        for size in SIZES if RUN_FULL_DRILLS else FEW_SIZES:
            text = prefix + piece * (size // len(piece)) + suffix
            subject = text.encode("latin-1", "replace") if _is_bytes(pattern) else text
            # Slow by chance, as when Python collects garbage meanwhile, is not slow again.
            seconds = _match_time(match, subject, method)
            if seconds > SECONDS:
                seconds = min(seconds, _match_time(match, subject, method))
            yield repr((prefix, piece, suffix)), size, seconds


def _match_time(match: Callable[[Any], Any], subject: str | bytes, method: str) -> float:
    started = time.thread_time()
    matches = match(subject)
    if method == "finditer":
        list(matches)
    return time.thread_time() - started


def _is_bytes(pattern: re.Pattern[Any]) -> bool:
    return isinstance(pattern.pattern, bytes)


def _find_slow_growth(pattern: re.Pattern[Any], method: str) -> tuple[str, int] | None:
    """Return the first text that takes too long and its length, or None."""
    for text, size, seconds in _match_times(pattern, method):
        if seconds > SECONDS:
            return text, size
    return None


@pytest.mark.drill
def test_no_pattern_of_the_panel_is_slow_with_hostile_text() -> None:
    slow_texts = {
        f"{use.path_name}: {use.pattern.pattern!r}.{use.method}": slow_text
        for use in _list_regex_uses()
        if (slow_text := _find_slow_growth(use.pattern, use.method))
    }
    assert slow_texts == {}


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"(?=[!-~]*[A-Za-z])(?=[!-~]*\d)[!-~]{20,}", "search"),
        (r"^[\W\d_]+|[\W\d_]+$", "sub"),
        (r"(a+)+b", "fullmatch"),
    ],
)
def test_pattern_with_overlapping_repetitions_is_found(pattern: str, method: str) -> None:
    assert _find_slow_growth(re.compile(pattern), method)


def test_every_file_that_imports_re_is_examined() -> None:
    examined_files = {use.path_name for use in _list_regex_uses()}
    for path in sorted((ROOT / "freddy_admin").rglob("*.py")):
        path_name, source = str(path.relative_to(ROOT)), path.read_text()
        if "import re\n" in source and "migrations" not in path_name:
            assert path_name in examined_files | COMPOSING_FILES, path_name


def test_patterns_are_composed_only_in_known_files() -> None:
    composing_files = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "freddy_admin").rglob("*.py")
        if list_composed_patterns(ast.parse(path.read_text()))
    }
    assert composing_files == COMPOSING_FILES

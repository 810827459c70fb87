"""No file is longer than 400 lines and no function longer than 60."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES, FUNCTION_LINES = 400, 60


def _list_source_files() -> Iterator[Path]:
    yield from (path for path in ROOT.glob("*.py"))
    for folder in ("freddy_admin", "tests", "benchmarks", "tools"):
        yield from (
            path for path in (ROOT / folder).rglob("*.py") if path.parts[-2] != "migrations"
        )


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in _list_source_files()}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long_functions = {}
    for path in _list_source_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long_functions[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert long_functions == {}


def test_no_module_is_called_utils_helpers_or_common() -> None:
    assert [
        path for path in _list_source_files() if path.stem in {"utils", "helpers", "common"}
    ] == []

"""Counts lines of Python code, without docstrings, comments, blank lines and migrations.

`python -m tools.code_lines [FOLDER…]`: a line for each folder; `freddy_admin` if none is named.
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def code_lines(source: str) -> int:
    """How many lines of this source hold code; a text over several lines counts as so many."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - _docstring_lines(source))


def _docstring_lines(source: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            lines.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def main(folders: list[str]) -> int:
    """Print the counts; 2 where a folder does not exist."""
    for folder in folders:
        if not Path(folder).is_dir():
            print(f"There is no folder {folder}.", file=sys.stderr)
            return 2
        paths = [path for path in Path(folder).rglob("*.py") if "migrations" not in path.parts]
        count = sum(code_lines(path.read_text(encoding="utf-8")) for path in paths)
        print(f"{folder}: {count:,} lines of code in {len(paths)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["freddy_admin"]))

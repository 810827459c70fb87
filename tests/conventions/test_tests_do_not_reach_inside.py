"""Tests see what a caller sees: they use no private name, wait for no fixed time, read no code."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
# Begin with an underscore and are public all the same: Django's documentation names the first two,
# Python's the others.
PUBLIC_NAMES = {"_meta", "_default_manager", "_exit", "_replace"}
PATCHING_FUNCTIONS = {"setattr", "delattr", "getattr", "hasattr", "patch", "object", "setitem"}
READING_FUNCTIONS = {"getsource", "getsourcelines", "getclosurevars"}
SLEEPING_FUNCTIONS = {"time.sleep", "sleep", "asyncio.sleep"}


def _is_private(name: str) -> bool:
    last = name.rpartition(".")[2]
    is_special = last.startswith("__") and last.endswith("__")
    return last.startswith("_") and not is_special and last != "_" and last not in PUBLIC_NAMES


def _function_name(call: ast.Call) -> str:
    """The last part of the called function's name."""
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def list_uses_of_private_names(tree: ast.Module) -> Iterator[str]:
    """Each use of a private name of another object or module: `line: code`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(alias.name for alias in node.names)]
            is_use = any(_is_private(part) for name in names for part in name.split("."))
        elif isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            is_use = _is_private(node.attr) and not is_own
        elif isinstance(node, ast.Call):
            function = _function_name(node)
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            is_patched = any(isinstance(text, str) and _is_private(text) for text in texts)
            is_use = (function in PATCHING_FUNCTIONS and is_patched) or (
                function in READING_FUNCTIONS
            )
        else:
            continue
        if is_use:
            yield f"{node.lineno}: {ast.unparse(node)}"


def list_sleeps(tree: ast.Module) -> Iterator[str]:
    """Each call that lets a fixed time pass: `line: code`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if _function_name(node) not in {"sleep", "wait"}:
            continue
        function = ast.unparse(node.func)
        # An event that nobody else holds is never set.
        if function in SLEEPING_FUNCTIONS or function.endswith("Event().wait"):
            yield f"{node.lineno}: {ast.unparse(node)}"


@cache
def _test_modules() -> list[tuple[str, ast.Module]]:
    return [
        (str(path.relative_to(TESTS)), ast.parse(path.read_text()))
        for path in sorted(TESTS.rglob("*.py"))
    ]


def test_no_test_uses_a_private_name() -> None:
    uses = [
        f"{name}:{use}"
        for name, tree in _test_modules()
        for use in list_uses_of_private_names(tree)
    ]
    assert uses == []


def test_no_test_sleeps() -> None:
    sleeps = [f"{name}:{sleep}" for name, tree in _test_modules() for sleep in list_sleeps(tree)]
    assert sleeps == []


def test_scan_finds_what_it_looks_for() -> None:
    code = """
from package._inner import name
from package import _name
module._name
self.part._name
monkeypatch.setattr(module, "_name", 1)
patch("package.module._name")
inspect.getsource(call)
"""
    assert len(list(list_uses_of_private_names(ast.parse(code)))) == 7
    allowed = "self._name; cls._name; model._meta; os._exit(0); setattr(module, 'name', 1); x.__a__"
    assert list(list_uses_of_private_names(ast.parse(allowed))) == []
    sleeps = "time.sleep(1); sleep(0.02); threading.Event().wait(0.4)"
    assert len(list(list_sleeps(ast.parse(sleeps)))) == 3
    assert list(list_sleeps(ast.parse("event.wait(60); client(sleep=lambda _: None)"))) == []

"""Every regular expression of the panel, with the ways in which it is asked."""

import ast
import re
import re._parser as sre  # type: ignore[import-not-found]
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.drills import DRILLS_IN_FULL, drill_share

ROOT = Path(__file__).resolve().parents[2]
ASKED = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
# What a repetition walks over and what stops it: signs of every class that patterns name.
ALPHABET = "a0A_-./:;,@%\"'[{( \t\n\u00e9\u0301"


@dataclass(frozen=True)
class Asked:
    """One pattern, where it stands, and one way it is asked; `search` tries every place."""

    where: str
    pattern: re.Pattern[Any]
    way: str


def asked_everywhere() -> list[Asked]:
    """Those kept under a name, in tables too, and those written where they are asked."""
    found: dict[tuple[Any, int, str], Asked] = {}
    for path in sorted((ROOT / "freddy_admin").rglob("*.py")):
        if "migrations" in path.parts or path.name == "settings.py":
            continue
        tree, where = ast.parse(path.read_text()), str(path.relative_to(ROOT))
        for pattern, way in [*_named(path, tree), *_inline(tree)]:
            found.setdefault((pattern.pattern, pattern.flags, way), Asked(where, pattern, way))
    return list(found.values())


def _named(path: Path, tree: ast.Module) -> Iterator[tuple[re.Pattern[Any], str]]:
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    holders = [module, *(one for one in vars(module).values() if isinstance(one, type))]
    for holder in holders:
        if isinstance(holder, type) and holder.__module__ != module.__name__:
            continue
        for name, value in list(vars(holder).items()):
            for pattern in _within(value):
                for way in _ways(tree, name) or {"search"}:
                    yield pattern, way


def _within(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _within(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for one in value:
            yield from _within(one)


def _ways(tree: ast.Module, name: str) -> set[str]:
    """How a name of the module is asked there: `NAME.fullmatch(…)`."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ASKED
        and isinstance(node.value, ast.Name | ast.Attribute)
        and ast.unparse(node.value).split(".")[-1] == name
    }


def _inline(tree: ast.Module) -> Iterator[tuple[re.Pattern[Any], str]]:
    """`re.search("…", …)` in a function, where the pattern is written there."""
    for node in _calls(tree):
        if isinstance(node.args[0], ast.Constant):
            way = node.func.attr if node.func.attr in ASKED else "search"
            yield re.compile(node.args[0].value, _flags(node)), way


def unwritten(tree: ast.Module) -> list[str]:
    """Patterns that a function puts together where it asks, as they stand in the source."""
    return [ast.unparse(one) for one in _calls(tree) if not isinstance(one.args[0], ast.Constant)]


def _calls(tree: ast.Module) -> list[Any]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [node for one in functions for node in ast.walk(one) if _is_of_re(node)]


def _is_of_re(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ASKED | {"compile"}
        and ast.unparse(node.func.value) == "re"
    )


def _flags(node: ast.Call) -> int:
    told = {ast.unparse(one) for one in ast.walk(node) if isinstance(one, ast.Attribute)}
    names = {name.removeprefix("re.") for name in told if name.startswith("re.")}
    return sum({int(getattr(re, name)) for name in names if name.isupper()})


def hostile(pattern: re.Pattern[Any]) -> list[tuple[str, str, str]]:
    """Beginnings, pieces to be repeated and ends that such a pattern may choke on."""
    signs = _signs(sre.parse(pattern.pattern, pattern.flags))
    words = _words(sre.parse(pattern.pattern, pattern.flags))
    pieces = sorted(signs | set(ALPHABET[:: 1 if DRILLS_IN_FULL else 3]))
    some = sorted(signs)[: drill_share(40)]
    pieces += [one + other for one in some for other in some if one != other]
    found = [(sign, piece, sign) for piece in pieces for sign in ("", "!", "a", "0", "\x00")]
    found += [(word, piece, "\x00") for word in words for piece in sorted(signs)]
    return found + [("", word, "\x00") for word in words]


def _signs(tree: Any) -> set[str]:
    """One character of every literal and class that the pattern names."""
    found: set[str] = set()
    for op, value in tree:
        if op in (sre.LITERAL, sre.NOT_LITERAL):
            found.add(chr(value))
        elif op is sre.IN:
            found |= {
                chr(one if kind is sre.LITERAL else one[0])
                for kind, one in value
                if kind in (sre.LITERAL, sre.RANGE)
            }
        else:
            for part in _parts(value):
                found |= _signs(part)
    return found


def _words(tree: Any) -> list[str]:
    """Runs of literals: what must stand there before a repetition begins."""
    words, word = [], ""
    for op, value in tree:
        if op is sre.LITERAL:
            word += chr(value)
            continue
        words, word = [*words, word], ""
        for part in _parts(value):
            words += _words(part)
    return [one for one in dict.fromkeys([*words, word]) if one]


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, sre.SubPattern):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _parts(one)

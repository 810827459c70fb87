"""Every regular expression of the panel, with the methods that are called on it."""

import ast
import re
import re._parser as sre  # type: ignore[import-not-found]
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import permutations
from pathlib import Path
from typing import Any

from tests.drill_scale import RUN_FULL_DRILLS, drill_count

ROOT = Path(__file__).resolve().parents[2]
RE_METHODS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
# What a repetition walks over and what stops it: characters of every class that patterns name.
ALPHABET = "a0A_-./:;,@%\"'[{( \t\n\u00e9\u0301"


@dataclass(frozen=True)
class RegexUse:
    """One pattern, the file it is in, and one method that is called on it, such as `search`."""

    path_name: str
    pattern: re.Pattern[Any]
    method: str


def list_regex_uses() -> list[RegexUse]:
    """Return patterns bound to a name, in tables too, and patterns written inside a call."""
    uses: dict[tuple[Any, int, str], RegexUse] = {}
    for path in sorted((ROOT / "freddy_admin").rglob("*.py")):
        # The last of them asks the database whether it is for this version.
        if "migrations" in path.parts or path.name in {"settings.py", "wsgi.py"}:
            continue
        tree, path_name = ast.parse(path.read_text()), str(path.relative_to(ROOT))
        for pattern, method in [*_named_patterns(path, tree), *_inline_patterns(tree)]:
            uses.setdefault(
                (pattern.pattern, pattern.flags, method), RegexUse(path_name, pattern, method)
            )
    return list(uses.values())


def _named_patterns(path: Path, tree: ast.Module) -> Iterator[tuple[re.Pattern[Any], str]]:
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    holders = [module, *(value for value in vars(module).values() if isinstance(value, type))]
    for holder in holders:
        if isinstance(holder, type) and holder.__module__ != module.__name__:
            continue
        for name, value in list(vars(holder).items()):
            for pattern in _patterns_in_value(value):
                for method in _methods_of_name(tree, name) or {"search"}:
                    yield pattern, method


def _patterns_in_value(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _patterns_in_value(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _patterns_in_value(item)


def _methods_of_name(tree: ast.Module, name: str) -> set[str]:
    """Return the methods that the module calls on one of its names, as in `NAME.fullmatch(…)`."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in RE_METHODS
        and isinstance(node.value, ast.Name | ast.Attribute)
        and ast.unparse(node.value).split(".")[-1] == name
    }


def _inline_patterns(tree: ast.Module) -> Iterator[tuple[re.Pattern[Any], str]]:
    """Yield patterns written as a literal inside a call, as in `re.search("…", …)`."""
    for call in _re_calls(tree):
        if isinstance(call.args[0], ast.Constant):
            method = call.func.attr if call.func.attr in RE_METHODS else "search"
            yield re.compile(call.args[0].value, _flags_of_call(call)), method


def list_composed_patterns(tree: ast.Module) -> list[str]:
    """Return the source of patterns that a function composes at run time."""
    return [
        ast.unparse(call) for call in _re_calls(tree) if not isinstance(call.args[0], ast.Constant)
    ]


def _re_calls(tree: ast.Module) -> list[Any]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [node for function in functions for node in ast.walk(function) if _is_re_call(node)]


def _is_re_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in RE_METHODS | {"compile"}
        and ast.unparse(node.func.value) == "re"
    )


def _flags_of_call(call: ast.Call) -> int:
    attributes = {ast.unparse(node) for node in ast.walk(call) if isinstance(node, ast.Attribute)}
    names = {name.removeprefix("re.") for name in attributes if name.startswith("re.")}
    return sum({int(getattr(re, name)) for name in names if name.isupper()})


def hostile_text_parts(pattern: re.Pattern[Any]) -> list[tuple[str, str, str]]:
    """Return triples of prefix, repeated piece and suffix that the pattern may be slow with."""
    characters = _characters_of_pattern(sre.parse(pattern.pattern, pattern.flags))
    literals = _literals_of_pattern(sre.parse(pattern.pattern, pattern.flags))
    pieces = sorted(characters | set(ALPHABET[:: 1 if RUN_FULL_DRILLS else 3]))
    pieces += map("".join, permutations(sorted(characters)[: drill_count(40)], 2))
    parts = [(edge, piece, edge) for piece in pieces for edge in ("", "!", "a", "0", "\x00")]
    parts += [(literal, piece, "\x00") for literal in literals for piece in sorted(characters)]
    return parts + [("", literal, "\x00") for literal in literals]


def _characters_of_pattern(tree: Any) -> set[str]:
    """Return one character of every literal and class that the pattern names."""
    characters: set[str] = set()
    for op, value in tree:
        if op in (sre.LITERAL, sre.NOT_LITERAL):
            characters.add(chr(value))
        elif op is sre.IN:
            characters |= {
                chr(operand if kind is sre.LITERAL else operand[0])
                for kind, operand in value
                if kind in (sre.LITERAL, sre.RANGE)
            }
        else:
            for part in _subpatterns(value):
                characters |= _characters_of_pattern(part)
    return characters


def _literals_of_pattern(tree: Any) -> list[str]:
    """Return runs of literal characters: what a text must hold before a repetition begins."""
    runs, run = [], ""
    for op, value in tree:
        if op is sre.LITERAL:
            run += chr(value)
            continue
        runs, run = [*runs, run], ""
        for part in _subpatterns(value):
            runs += _literals_of_pattern(part)
    return [literal for literal in dict.fromkeys([*runs, run]) if literal]


def _subpatterns(value: Any) -> Iterator[Any]:
    if isinstance(value, sre.SubPattern):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _subpatterns(item)

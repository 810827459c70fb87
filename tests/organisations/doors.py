"""Every way in which somebody may lose a right, found in the sources: who writes it, who calls."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What writes a role, and what the whole panel allows somebody.
WRITERS = {
    "organisations.standing.role_set",
    "accounts.people.person_admin_set",
    "accounts.people.person_switch",
    "accounts.people.person_delete",
}


def callers() -> set[str]:
    """All that leads to one of the writers, by its place below `freddy_admin`: `room.file.name`."""
    uses = dict(_uses())
    found = set(WRITERS)
    while True:
        more = {name for name, named in uses.items() if named & found} - found
        if not more:
            return found
        found |= more


def outermost() -> set[str]:
    """Those of them that nothing else of ours calls: pages and commands."""
    found, uses = callers(), dict(_uses())
    called = {name for caller in found for name in uses.get(caller, set()) - {caller}}
    return found - called


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Each file of the panel but migrations, as `room.file`."""
    for path in sorted((ROOT / "freddy_admin").rglob("*.py")):
        if "migrations" not in path.parts:
            name = ".".join(path.relative_to(ROOT / "freddy_admin").with_suffix("").parts)
            yield name, ast.parse(path.read_text())


def _uses() -> Iterator[tuple[str, set[str]]]:
    for module, tree in sources():
        known = {
            alias.asname or alias.name: f"{node.module.removeprefix('freddy_admin.')}.{alias.name}"
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        tops = [(name, node) for node in tree.body for name in _names(node)]
        known |= {name: f"{module}.{name}" for name, _ in tops}
        for name, node in tops:
            named = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            yield f"{module}.{name}", {known[one] for one in named if one in known}


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [one.id for one in targets if isinstance(one, ast.Name)]

"""Finds in the sources every function that changes a role: the writers and their callers."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The functions that write a role, or a person's rights over the whole panel.
ROLE_WRITERS = {
    "organisations.membership_roles.membership_role_write",
    "accounts.people.person_set_platform_admin",
    "accounts.people.person_set_active",
    "accounts.people.person_delete",
}


def role_writer_callers() -> set[str]:
    """All functions that lead to one of the writers, as `room.file.name`, the writers included."""
    used_names = dict(_names_used_by_function())
    names = set(ROLE_WRITERS)
    while True:
        callers = {
            name for name, used_by_caller in used_names.items() if used_by_caller & names
        } - names
        if not callers:
            return names
        names |= callers


def outermost_role_writer_callers() -> set[str]:
    """Callers of the writers that no other function calls: views and commands."""
    names, used_names = role_writer_callers(), dict(_names_used_by_function())
    called_names = {name for caller in names for name in used_names.get(caller, set()) - {caller}}
    return names - called_names


def panel_module_trees() -> Iterator[tuple[str, ast.Module]]:
    """Name (`room.file`) and syntax tree of each module of the panel except migrations."""
    for path in sorted((ROOT / "freddy_admin").rglob("*.py")):
        if "migrations" not in path.parts:
            name = ".".join(path.relative_to(ROOT / "freddy_admin").with_suffix("").parts)
            yield name, ast.parse(path.read_text())


def _names_used_by_function() -> Iterator[tuple[str, set[str]]]:
    for module, tree in panel_module_trees():
        qualified_names = {
            alias.asname or alias.name: f"{node.module.removeprefix('freddy_admin.')}.{alias.name}"
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        definitions = [(name, node) for node in tree.body for name in _defined_names(node)]
        qualified_names |= {name: f"{module}.{name}" for name, _ in definitions}
        for name, node in definitions:
            identifiers = {
                used_name.id for used_name in ast.walk(node) if isinstance(used_name, ast.Name)
            }
            yield (
                f"{module}.{name}",
                {
                    qualified_names[used_name]
                    for used_name in identifiers
                    if used_name in qualified_names
                },
            )


def _defined_names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]

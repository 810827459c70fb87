"""Everything that README, CONTRIBUTING and docs/ name exists, and the README is short."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#([\w-]+))?\)")
# A path of the tree, between backquotes; `<…>` and `*` stand for several.
PATH = re.compile(
    r"`((?:freddy_admin|tests|templates|static|docs|tools|benchmarks|deploy)/[\w./-]+)"
)
# In the glossary paths are below `freddy_admin/`; the last column has what was there before.
ROOM_PATH = re.compile(r"`([a-z_]+/[\w./-]*)`")
MAKE = re.compile(r"\bmake ([a-z][a-z-]+)")
COMMAND = re.compile(r"manage\.py ([a-z_]+)|^\| `([a-z_]+)(?: [^`]*)?`", re.MULTILINE)
DJANGO_COMMANDS = {"migrate"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link, _ in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_path_exists(page: Path) -> None:
    named = {path.rstrip(".") for path in PATH.findall(page.read_text())}
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_every_path_of_the_glossary_exists() -> None:
    rows = (ROOT / "docs" / "glossary.md").read_text().splitlines()
    present = "\n".join(row.rpartition("|")[0].rpartition("|")[0] for row in rows)
    named = ROOM_PATH.findall(present)
    assert len(named) > 20
    assert {path for path in named if not (ROOT / "freddy_admin" / path).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    # In code alone: "the panel will make do" is prose.
    code = re.findall(r"```.*?```|`[^`]+`", page.read_text(), re.DOTALL)
    assert set(MAKE.findall("\n".join(code))) - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_command_exists(page: Path) -> None:
    named = {name for pair in COMMAND.findall(page.read_text()) for name in pair if name}
    assert named - set(get_commands()) - DJANGO_COMMANDS == set()


def test_every_command_of_the_panel_is_explained() -> None:
    commands = get_commands().items()
    panel_commands = {name for name, app in commands if str(app).startswith("freddy_admin")}
    table = (ROOT / "docs" / "operations.md").read_text()
    explained = set(re.findall(r"`([a-z_]+)(?: [^`]*)?`", table))
    # `demo_data` is a step of `make demo`; no person calls it.
    assert panel_commands - {"demo_data"} <= explained


def test_the_readme_is_short_and_links_to_every_other_page() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    links = {link for link, _ in LINK.findall(text)}
    other_pages = {str(page.relative_to(ROOT)) for page in PAGES} - {"README.md"}
    assert other_pages <= links


def test_every_room_is_in_the_architecture_table() -> None:
    rooms = {path.parent.name for path in (ROOT / "freddy_admin").glob("*/__init__.py")}
    table = (ROOT / "docs" / "architecture.md").read_text()
    assert {room for room in rooms if f"| `freddy_admin/{room}` |" not in table} == set()

"""Every text of the panel equals its golden text; `make golden` stores the new ones."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import unified_diff
from pathlib import Path

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connection

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.golden.commands_and_mails import render_commands, render_mails
from tests.golden.error_pages import render_error_pages
from tests.golden.golden_fleet import Fleet, demo_create, fleet_create
from tests.golden.page_rendering import (
    RenderedText,
    render_api_responses,
    render_filtered_pages,
    render_organisation_pages,
    render_pages,
    render_reauthentication_pages,
)
from tests.golden.visible_text import visible_text
from tests.web.conftest import HandClock

TEXTS = Path(__file__).parent / "texts"
MONTH = timedelta(days=30)


@pytest.fixture
def fleet(
    db: None,
    hand_clock: HandClock,
    request: pytest.FixtureRequest,
    settings: LazySettings,
    tmp_path: Path,
) -> Iterator[Fleet]:
    if connection.vendor != "sqlite":
        pytest.skip("ids and orders of the record are SQLite's; the texts are the same")
    settings.BASE_DIR = tmp_path  # `doctor` looks at who may read its files
    with time_machine.travel(hand_clock(), tick=False):
        demo_create(history_length=MONTH)
        # It makes an organisation without keys; the demo wants an empty database.
        yield fleet_create(request.getfixturevalue("make_key"))


def test_every_text_of_the_panel_equals_its_golden_text(
    fleet: Fleet, sandbox: SandboxServer, settings: LazySettings, tmp_path: Path
) -> None:
    # As in the demo, so that what pages say of environments is recorded.
    staging = ApiEnvironment("staging", f"{sandbox.base_url}/staging", ("X-API-Key", "api-key"))
    settings.AITRONOS_ENVIRONMENTS = (staging,)
    rendered_texts: list[RenderedText] = []
    for render in (
        render_error_pages,
        render_pages,
        render_reauthentication_pages,
        render_organisation_pages,
        render_filtered_pages,
        render_api_responses,
    ):
        rendered_texts += render(fleet)
    rendered_texts += render_commands(fleet, tmp_path)
    rendered_texts += render_mails(fleet)
    new_texts = _build_record(rendered_texts)
    if os.environ.get("GOLDEN") == "write":
        _write_texts(new_texts)
    golden_texts = {path.stem: path.read_text() for path in TEXTS.glob("*.txt")}
    assert not (differences := "\n".join(_list_differences(golden_texts, new_texts))), (
        f"Texts changed. Where that is meant, `make golden` keeps the new ones.\n{differences}"
    )


def test_visible_text_shows_a_changed_sentence_title_or_accessible_name() -> None:
    page = '<title>A</title><p>One <b>two</b></p><button aria-label="Go">x</button>'
    changes = (("One", "Won"), ("two", "too"), ("Go", "Stop"), (">A<", ">B<"))
    for former, new in changes:
        assert visible_text(page) != visible_text(page.replace(former, new))
    assert visible_text(page) == visible_text(page.replace("<p>", '<p class="quiet">'))


def _build_record(rendered_texts: Iterable[RenderedText]) -> dict[str, str]:
    """The text of each file by its name: each response once, under all roles that get it."""
    files: defaultdict[str, dict[tuple[str, str], list[str]]] = defaultdict(dict)
    for rendered in rendered_texts:
        files[rendered.file].setdefault((rendered.request, rendered.text), []).append(rendered.role)
    return {
        name: "\n".join(
            f"== {request} as {', '.join(roles)}\n{text}\n"
            for (request, text), roles in roles_by_text.items()
        )
        for name, roles_by_text in files.items()
    }


def _write_texts(new_texts: dict[str, str]) -> None:
    TEXTS.mkdir(exist_ok=True)
    for path in TEXTS.glob("*.txt"):
        if path.stem not in new_texts:
            path.unlink()
    for name, text in new_texts.items():
        (TEXTS / f"{name}.txt").write_text(text)


def _list_differences(golden_texts: dict[str, str], new_texts: dict[str, str]) -> Iterator[str]:
    for name in sorted(golden_texts.keys() | new_texts.keys()):
        golden, new = golden_texts.get(name, ""), new_texts.get(name, "")
        if golden != new:
            lines = unified_diff(
                golden.splitlines(), new.splitlines(), name, name, lineterm="", n=0
            )
            yield from list(lines)[:20]

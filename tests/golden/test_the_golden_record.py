"""Every text of the panel is the one that is kept; `make golden` keeps the new ones."""

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

from freddy_admin.sandbox.server import SandboxServer
from tests.golden.bad_days import bad_days_shown
from tests.golden.commands_and_mails import commands_shown, mails_shown
from tests.golden.fleet import Fleet, demo_build, fleet_build
from tests.golden.rendering import (
    Shown,
    organisations_shown,
    overview_choices_shown,
    pages_shown,
    programs_shown,
    unconfirmed_shown,
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
        demo_build(past=MONTH)
        # It makes an organisation without keys; the demo wants an empty database.
        yield fleet_build(request.getfixturevalue("make_key"))


def test_every_text_of_the_panel_is_the_one_that_is_kept(
    fleet: Fleet, sandbox: SandboxServer, tmp_path: Path
) -> None:
    shown: list[Shown] = []
    for part in (
        bad_days_shown,
        pages_shown,
        unconfirmed_shown,
        organisations_shown,
        overview_choices_shown,
        programs_shown,
    ):
        shown += part(fleet)
    shown += commands_shown(fleet, tmp_path)
    shown += mails_shown(fleet)
    record = _record(shown)
    if os.environ.get("GOLDEN") == "write":
        _write(record)
    kept = {path.stem: path.read_text() for path in TEXTS.glob("*.txt")}
    assert not (differences := "\n".join(_differences(kept, record))), (
        f"Texts changed. Where that is meant, `make golden` keeps the new ones.\n{differences}"
    )


def test_a_changed_sentence_title_or_accessible_name_is_seen() -> None:
    page = '<title>A</title><p>One <b>two</b></p><button aria-label="Go">x</button>'
    changes = (("One", "Won"), ("two", "too"), ("Go", "Stop"), (">A<", ">B<"))
    for former, new in changes:
        assert visible_text(page) != visible_text(page.replace(former, new))
    assert visible_text(page) == visible_text(page.replace("<p>", '<p class="quiet">'))


def _record(shown: Iterable[Shown]) -> dict[str, str]:
    """A file's text by its name: each answer once, under all who get that same answer."""
    files: defaultdict[str, dict[tuple[str, str], list[str]]] = defaultdict(dict)
    for one in shown:
        files[one.file].setdefault((one.asked, one.text), []).append(one.role)
    return {
        name: "\n".join(
            f"== {asked} as {', '.join(roles)}\n{text}\n" for (asked, text), roles in said.items()
        )
        for name, said in files.items()
    }


def _write(record: dict[str, str]) -> None:
    TEXTS.mkdir(exist_ok=True)
    for path in TEXTS.glob("*.txt"):
        if path.stem not in record:
            path.unlink()
    for name, text in record.items():
        (TEXTS / f"{name}.txt").write_text(text)


def _differences(kept: dict[str, str], record: dict[str, str]) -> Iterator[str]:
    for name in sorted(kept.keys() | record.keys()):
        before, after = kept.get(name, ""), record.get(name, "")
        if before != after:
            lines = unified_diff(
                before.splitlines(), after.splitlines(), name, name, lineterm="", n=0
            )
            yield from list(lines)[:20]

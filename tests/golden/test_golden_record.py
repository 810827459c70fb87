"""Every text of the panel equals its golden text; `make golden` stores the new ones.

Each text is asked for by the first role that gets it; `make drills` asks for it by all of them.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connection

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.drill_scale import RUN_FULL_DRILLS
from tests.golden.commands_and_mails import render_commands, render_mails
from tests.golden.error_pages import render_error_pages
from tests.golden.golden_fleet import Fleet, demo_create, fleet_create
from tests.golden.golden_texts import golden_texts_read, golden_texts_write
from tests.golden.page_rendering import (
    render_api_responses,
    render_filtered_pages,
    render_organisation_pages,
    render_pages,
    render_reauthentication_pages,
)
from tests.golden.visible_text import visible_text
from tests.web.conftest import HandClock

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


@pytest.mark.drill
def test_every_text_of_the_panel_equals_its_golden_text(
    fleet: Fleet, sandbox: SandboxServer, settings: LazySettings, tmp_path: Path
) -> None:
    # As in the demo, so that what pages say of environments is recorded.
    staging = ApiEnvironment("staging", f"{sandbox.base_url}/staging", ("X-API-Key", "api-key"))
    settings.AITRONOS_ENVIRONMENTS = (staging,)
    is_written = os.environ.get("GOLDEN") == "write"
    golden_texts = golden_texts_read(asks_everything=is_written or RUN_FULL_DRILLS)
    rendered_texts = [*render_error_pages(fleet), *render_pages(fleet, golden_texts.asks)]
    rendered_texts += render_reauthentication_pages(fleet, golden_texts.asks, rendered_texts)
    for render in (render_organisation_pages, render_filtered_pages, render_api_responses):
        rendered_texts += render(fleet)
    rendered_texts += render_commands(fleet, tmp_path)
    rendered_texts += render_mails(fleet)
    if is_written:
        golden_texts_write(rendered_texts)
        golden_texts = golden_texts_read(asks_everything=True)
    assert not (differences := "\n".join(golden_texts.list_differences(rendered_texts))), (
        f"Texts changed. Where that is meant, `make golden` keeps the new ones.\n{differences}"
    )


def test_visible_text_shows_a_changed_sentence_title_or_accessible_name() -> None:
    page = '<title>A</title><p>One <b>two</b></p><button aria-label="Go">x</button>'
    changes = (("One", "Won"), ("two", "too"), ("Go", "Stop"), (">A<", ">B<"))
    for former, new in changes:
        assert visible_text(page) != visible_text(page.replace(former, new))
    assert visible_text(page) == visible_text(page.replace("<p>", '<p class="quiet">'))

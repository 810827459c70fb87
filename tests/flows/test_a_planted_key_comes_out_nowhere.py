"""Drills S9 to S11 over real processes: keys are planted in every way, and every sink is searched.

Sinks: pages, exports, JSON, their heads; the database file and its journal; sessions and cache,
decoded; what `dumpdata` writes; the logs of both processes with every logger at its lowest, every
statement of the database and http.client's own prints; mails of errors; the surroundings of both.
A last test leaks a key into each of them on purpose, and sees the same search find it.
"""

import base64
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from django.test import override_settings

from freddy_admin.accounts.session_store import SessionStore
from freddy_admin.sandbox.server import SandboxServer
from tests.flows.crawling import crawl
from tests.flows.panel import EMAIL
from tests.flows.planting import ADDED, ALDER, EVERY, files_with, found, imported, used
from tests.flows.split_panel import SplitPanel, surroundings
from tests.searching import found_in


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    with SandboxServer() as sandbox:
        panel = SplitPanel(tmp_path_factory.mktemp("planted"), api=sandbox.base_url)
        mails = panel.room / "mails"
        mails.mkdir()
        panel.env |= {
            "DJANGO_SETTINGS_MODULE": "tests.flows.loud_settings",
            "MAILS": str(mails),
            # A refused key is tried again a minute later: that must not be a minute of ours.
            "CLOCK_SPEED": "20",
            "CLOCK_SINCE": datetime.now(UTC).isoformat(),
            "STATUS_CHECK_SECONDS": "60",
        }
        try:
            panel.set_up()
            imported(panel)
            panel.start_web()
            panel.start_worker()
            yield panel
        finally:
            panel.end_all()


@pytest.fixture(scope="module")
def browser(panel: SplitPanel) -> requests.Session:
    browser = panel.signed_in()
    used(panel, browser)
    return browser


def test_no_answer_of_a_crawl_holds_it(panel: SplitPanel, browser: requests.Session) -> None:
    paths = set()
    for address, answer in crawl(browser, f"{panel.address}/"):
        assert answer.status_code < 500, address
        assert found(answer.content + repr(answer.headers).encode()) == [], address
        paths.add(re.sub(r"\d+", "N", address.removeprefix(panel.address).partition("?")[0]))
    assert {"/", "/audit/", "/system/", "/overview.csv", ALDER, f"{ALDER}keys/N/"} <= paths


def test_nothing_that_programs_are_told_holds_it(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    token = panel.manage("create_api_token", EMAIL, "--name", "flow").stdout.strip()
    head = {"Authorization": f"Bearer {token}"}
    for path in (
        "/api/v1/statuses",
        "/api/v1/organisations/alder/events",
        "/metrics",
        "/healthz",
        "/readyz",
    ):
        answer = requests.get(panel.address + path, headers=head, timeout=120)
        assert answer.content
        assert found(answer.content) == [], path


def test_no_byte_of_the_database_and_its_journal_holds_it(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    assert files_with(panel.room, "panel.sqlite3*") == []
    assert (panel.room / "panel.sqlite3-wal").is_file()
    # What was asked of the worker is rows, and among them are some.
    assert panel.rows("SELECT count(*) FROM sync_order")[0][0]


def test_no_session_no_cached_value_and_no_dump_holds_it(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    assert b"_auth_user_id" in b"".join(_unpacked(panel, panel.room / "panel.sqlite3"))
    assert [one for one in _unpacked(panel, panel.room / "panel.sqlite3") if found(one)] == []
    dump = panel.manage("dumpdata")
    assert dump.returncode == 0, dump.stderr[-2_000:]
    assert found((dump.stdout + dump.stderr).encode()) == []


def _unpacked(panel: SplitPanel, file: Path) -> list[bytes]:
    """Sessions and cached values as they are read; sessions are opened with the panel's key."""
    with closing(sqlite3.connect(file, timeout=120)) as database:
        sessions = database.execute("SELECT session_data FROM django_session").fetchall()
        cached = database.execute("SELECT value FROM core_cache").fetchall()
    with override_settings(SECRET_KEY=panel.env["SECRET_KEY"]):
        opened = [SessionStore().decode(str(one)) for (one,) in sessions]
    assert all(opened)
    return [json.dumps(one).encode() for one in opened] + [
        base64.b64decode(one) for (one,) in cached
    ]


def test_no_log_line_of_either_process_holds_it_at_the_lowest_level(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    assert files_with(panel.room, "*.log") == []
    web, worker = (log.read_text() for log in panel.logs)
    assert "DEBUG django.db.backends" in web
    assert "DEBUG urllib3" in worker
    assert "RuntimeError: on purpose" in web


def test_no_mail_about_an_error_holds_it(panel: SplitPanel, browser: requests.Session) -> None:
    del browser
    assert files_with(panel.room / "mails", "*") == []
    told = "".join(path.read_text() for path in (panel.room / "mails").iterdir())
    assert "RuntimeError" in told
    assert "text/html" in told


def test_neither_process_carries_it_around(panel: SplitPanel, browser: requests.Session) -> None:
    del browser
    for process in (panel.web, panel.worker):
        assert process is not None
        assert found(surroundings(process.pid)) == []


def test_a_leak_into_any_of_them_would_be_found(
    panel: SplitPanel, browser: requests.Session, tmp_path: Path
) -> None:
    copy = tmp_path / "panel.sqlite3"
    with closing(sqlite3.connect(panel.room / "panel.sqlite3")) as database:
        database.execute("VACUUM INTO ?", [str(copy)])
    leaks = {
        "what the worker is told to do": "UPDATE sync_order SET tool_name = ?",
        "a name": "UPDATE organisations_organisation SET name = name || ?",
        "a label": "UPDATE vault_apikey SET label = label || ?",
    }
    for what, statement in leaks.items():
        leaky = shutil.copy(copy, tmp_path / "leaky.sqlite3")
        with closing(sqlite3.connect(leaky)) as database:
            database.execute(statement, [ADDED[-24:]])
            database.commit()
        assert files_with(tmp_path, "leaky.sqlite3") == ["leaky.sqlite3"], what
    with closing(sqlite3.connect(copy)) as database:
        database.execute("UPDATE core_cache SET value = ?", [base64.b64encode(ADDED.encode())])
        database.commit()
    assert [one for one in _unpacked(panel, copy) if found(one)]
    for name in ("web.log", "mail"):
        (tmp_path / name).write_text(f"POST api_key={ADDED}")
        assert files_with(tmp_path, name) == [name]
    # A page repeats what was searched for, and a log that tells all tells this, too: so it is
    # the key of nobody, for the other tests search the same logs.
    other = "oak_live_healthy_of_nobody_0123456789abcdef"
    assert found_in(browser.get(f"{panel.address}/?q={other}", timeout=120).content, other)


@pytest.mark.parametrize("key", EVERY, ids=range(len(EVERY)))
def test_the_search_knows_every_spelling(key: str) -> None:
    for text in (key, key[40:52], key[::-1], key.encode().hex(), key.encode().hex().upper()):
        assert found(f"… {text} …".encode()), text
    for shift in range(3):
        assert found(base64.b64encode(b"x" * shift + key.encode()))

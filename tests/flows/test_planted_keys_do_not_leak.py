"""Drills S9 to S11 over real processes: keys are planted in every way, every output is searched.

Outputs: pages, exports, JSON, their headers; the database file and its journal; sessions and cache,
decoded; what `dumpdata` writes; the logs of both processes with every logger at its lowest, every
statement of the database and http.client's own prints; mails of errors; the environments of both.
A last test leaks a key into each of them on purpose, and the search must find it.
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

from freddy_admin.accounts.sessions import SessionStore
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.flows.link_crawler import crawl_pages
from tests.flows.panel_process import EMAIL
from tests.flows.planted_keys import (
    ADDED_KEY,
    ALDER_PATH,
    ALL_PLANTED_KEYS,
    files_with,
    find_planted_parts,
    import_planted_keys,
    use_planted_keys,
)
from tests.flows.split_key_panel import SplitPanel, read_process_environment
from tests.leak_search import find_leaks


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    with SandboxServer() as sandbox:
        panel = SplitPanel(tmp_path_factory.mktemp("planted"), api=sandbox.base_url)
        mails = panel.folder / "mails"
        mails.mkdir()
        panel.env |= {
            "DJANGO_SETTINGS_MODULE": "tests.flows.verbose_logging_settings",
            "MAILS": str(mails),
            # A refused key is checked again a minute later; the test does not wait for that.
            "CLOCK_SPEED": "20",
            "CLOCK_SINCE": datetime.now(UTC).isoformat(),
            "STATUS_CHECK_SECONDS": "60",
        }
        try:
            panel.migrate_and_create_admin()
            import_planted_keys(panel)
            panel.start_web()
            panel.start_worker()
            yield panel
        finally:
            panel.stop_all()


@pytest.fixture(scope="module")
def browser(panel: SplitPanel) -> requests.Session:
    browser = panel.sign_in()
    use_planted_keys(panel, browser)
    return browser


def test_no_page_of_a_crawl_holds_a_planted_key(
    panel: SplitPanel, browser: requests.Session
) -> None:
    paths = set()
    for address, answer in crawl_pages(browser, f"{panel.address}/"):
        assert answer.status_code < 500, address
        assert find_planted_parts(answer.content + repr(answer.headers).encode()) == [], address
        paths.add(re.sub(r"\d+", "N", address.removeprefix(panel.address).partition("?")[0]))
    assert {
        "/",
        "/audit/",
        "/system/",
        "/overview.csv",
        ALDER_PATH,
        f"{ALDER_PATH}keys/N/",
    } <= paths


def test_no_api_response_or_metric_holds_a_planted_key(
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
        assert find_planted_parts(answer.content) == [], path


def test_no_byte_of_the_database_and_its_journal_holds_a_planted_key(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    assert files_with(panel.folder, "panel.sqlite3*") == []
    assert (panel.folder / "panel.sqlite3-wal").is_file()
    # Remote operations are rows, and some exist.
    assert panel.query_rows("SELECT count(*) FROM sync_remoteoperation")[0][0]


def test_no_session_cached_value_or_dump_holds_a_planted_key(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    assert b"_auth_user_id" in b"".join(
        _decoded_sessions_and_cache(panel, panel.folder / "panel.sqlite3")
    )
    assert [
        piece
        for piece in _decoded_sessions_and_cache(panel, panel.folder / "panel.sqlite3")
        if find_planted_parts(piece)
    ] == []
    dump = panel.manage("dumpdata")
    assert dump.returncode == 0, dump.stderr[-2_000:]
    assert find_planted_parts((dump.stdout + dump.stderr).encode()) == []


def _decoded_sessions_and_cache(panel: SplitPanel, file: Path) -> list[bytes]:
    """Sessions, opened with the panel's SECRET_KEY, and cached values, decoded."""
    with closing(sqlite3.connect(file, timeout=120)) as database:
        sessions = database.execute("SELECT session_data FROM django_session").fetchall()
        cached_rows = database.execute("SELECT value FROM core_cache").fetchall()
    with override_settings(SECRET_KEY=panel.env["SECRET_KEY"]):
        session_data = [SessionStore().decode(str(data)) for (data,) in sessions]
    assert all(session_data)
    return [json.dumps(data).encode() for data in session_data] + [
        base64.b64decode(data) for (data,) in cached_rows
    ]


def test_no_debug_log_line_of_either_process_holds_a_planted_key(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    assert files_with(panel.folder, "*.log") == []
    web, worker = (log.read_text() for log in panel.logs)
    assert "DEBUG django.db.backends" in web
    assert "DEBUG django.db.backends" in worker
    assert "DEBUG urllib3" not in worker  # its lines hold the paths of webhooks, which are secret
    assert "RuntimeError: on purpose" in web


def test_no_error_mail_holds_a_planted_key(panel: SplitPanel, browser: requests.Session) -> None:
    del browser
    assert files_with(panel.folder / "mails", "*") == []
    mails = "".join(path.read_text() for path in (panel.folder / "mails").iterdir())
    assert "RuntimeError" in mails
    assert "text/html" in mails


def test_no_process_environment_holds_a_planted_key(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    for process in (panel.web, panel.worker):
        assert process is not None
        assert find_planted_parts(read_process_environment(process.pid)) == []


def test_planted_leak_into_each_output_is_found(
    panel: SplitPanel, browser: requests.Session, tmp_path: Path
) -> None:
    copy = tmp_path / "panel.sqlite3"
    with closing(sqlite3.connect(panel.folder / "panel.sqlite3")) as database:
        database.execute("VACUUM INTO ?", [str(copy)])
    leaks = {
        "what the worker is told to do": "UPDATE sync_remoteoperation SET tool_name = ?",
        "a name": "UPDATE organisations_organisation SET name = name || ?",
        "a label": "UPDATE vault_apikey SET label = label || ?",
    }
    for output, statement in leaks.items():
        leaky_copy = shutil.copy(copy, tmp_path / "leaky.sqlite3")
        with closing(sqlite3.connect(leaky_copy)) as database:
            database.execute(statement, [ADDED_KEY[-24:]])
            database.commit()
        assert files_with(tmp_path, "leaky.sqlite3") == ["leaky.sqlite3"], output
    with closing(sqlite3.connect(copy)) as database:
        database.execute(
            "INSERT INTO core_cache (cache_key, value, expires) VALUES (?, ?, ?)",
            ["planted", base64.b64encode(ADDED_KEY.encode()).decode(), "2100-01-01 00:00:00"],
        )
        database.commit()
    assert [
        piece for piece in _decoded_sessions_and_cache(panel, copy) if find_planted_parts(piece)
    ]
    for name in ("web.log", "mail"):
        (tmp_path / name).write_text(f"POST api_key={ADDED_KEY}")
        assert files_with(tmp_path, name) == [name]
    # A page and a debug log repeat the searched text, and other tests search the same logs:
    # therefore a key that is planted nowhere.
    unused_key = "oak_live_healthy_of_nobody_0123456789abcdef"
    assert find_leaks(
        browser.get(f"{panel.address}/?q={unused_key}", timeout=120).content, unused_key
    )


@pytest.mark.parametrize("key", ALL_PLANTED_KEYS, ids=range(len(ALL_PLANTED_KEYS)))
def test_the_search_knows_every_spelling(key: str) -> None:
    for text in (key, key[40:52], key[::-1], key.encode().hex(), key.encode().hex().upper()):
        assert find_planted_parts(f"… {text} …".encode()), text
    for offset in range(3):
        assert find_planted_parts(base64.b64encode(b"x" * offset + key.encode()))

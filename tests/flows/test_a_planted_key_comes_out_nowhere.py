"""Drills S9 to S11 over real processes: keys are planted in every way, and every sink is searched.

Sinks: pages, exports, JSON, their heads; the database file and its journal; sessions and cache,
decoded; what `dumpdata` writes; the logs of both processes; the surroundings of the web server.
"""

import base64
import re
import zlib
from collections.abc import Iterator

import pytest
import requests

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.flows.crawling import crawl
from tests.flows.panel import EMAIL
from tests.flows.split_panel import SplitPanel, surroundings
from tests.flows.waiting import until
from tests.searching import parts_in_a_row, spellings

ALDER = "/organisations/alder/"
KINDS = (
    Scenario.HEALTHY,
    Scenario.REJECTED,
    Scenario.NOT_PERMITTED,
    Scenario.ERROR_HTML,
    Scenario.TRUNCATED,
    Scenario.WRONG_TYPES,
    Scenario.DRIP,
    Scenario.REDIRECT,
    Scenario.HUGE,
    Scenario.SYNC_FAILS,
)
IMPORTED = {kind: key_for(kind, f"planted import {kind}") for kind in KINDS}
ADDED, REPLACED = (key_for(Scenario.HEALTHY, f"planted {way}") for way in ("add", "replace"))
PASTED = key_for(Scenario.HEALTHY, "planted paste")
TYPOS = [
    f"{key_for(Scenario.HEALTHY, f'planted typo {n}')}{end}"
    for n, end in enumerate(("\n", " x", "\u2019", "\x00", "\U0001f511"))
]
EVERY = [*IMPORTED.values(), ADDED, REPLACED, PASTED, *TYPOS]


def _looked_for() -> list[bytes]:
    found: list[str] = []
    for key in EVERY:
        secret = key[:63]  # what is behind it is the slip of the pen
        digest = secret.rpartition("_")[2]
        # The rest names a scenario, in words that pages use as well; the last four may be shown.
        found += parts_in_a_row(digest[:-4], 8) + spellings(secret)
    return [part.encode() for part in found]


LOOKED_FOR = _looked_for()


def _found(data: bytes) -> list[bytes]:
    return [part for part in LOOKED_FOR if part in data]


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    with SandboxServer() as sandbox:
        panel = SplitPanel(tmp_path_factory.mktemp("planted"), api=sandbox.base_url)
        panel.env["LOG_LEVEL"] = "DEBUG"
        try:
            panel.set_up()
            _import(panel)
            panel.start_web()
            panel.start_worker()
            yield panel
        finally:
            panel.end_all()


def _import(panel: SplitPanel) -> None:
    rows = [f"Birch,{kind},{key},," for kind, key in IMPORTED.items()]
    file = panel.room / "keys.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    ended = panel.manage("import_keys", str(file))
    assert ended.returncode == 0, ended.stderr
    assert _found((ended.stdout + ended.stderr).encode()) == []
    file.unlink()  # as the README says


@pytest.fixture(scope="module")
def browser(panel: SplitPanel) -> requests.Session:
    """Everything a person can do with a key, done."""
    browser = panel.signed_in()
    panel.send(browser, "/add-organisation/", name="Alder")
    answer = panel.send(browser, f"{ALDER}keys/add/", label="Main", api_key=ADDED)
    address = re.search(r"/organisations/alder/keys/\d+/", answer.url)
    assert address, answer.url
    key = address.group()
    assert until(lambda: "Up to date" in panel.page(browser, key))
    for typo in TYPOS:
        told = panel.send(browser, f"{key}replace/", api_key=typo)
        assert _found(told.content) == [], typo[-2:]
    panel.send(browser, f"{key}replace/", api_key=REPLACED)
    rows = f"organisation,label,api_key,organization_id,tags\nCedar,Main,{PASTED},,"
    panel.send(browser, "/import/", rows=rows)
    panel.send(browser, f"{key}sync/", mode="full")
    assert until(lambda: "Key rejected" in panel.page(browser, "/"), seconds=90)
    ended = panel.manage("check_now", "--all")
    assert ended.returncode == 0
    assert _found((ended.stdout + ended.stderr).encode()) == []
    return browser


def test_no_answer_of_a_crawl_holds_it(panel: SplitPanel, browser: requests.Session) -> None:
    paths = set()
    for address, answer in crawl(browser, f"{panel.address}/"):
        assert answer.status_code < 500, address
        assert _found(answer.content + repr(answer.headers).encode()) == [], address
        paths.add(re.sub(r"\d+", "N", address.removeprefix(panel.address).partition("?")[0]))
    assert {"/", "/audit/", "/system/", "/overview.csv", ALDER, f"{ALDER}keys/N/"} <= paths


def test_nothing_that_programs_are_told_holds_it(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    token = panel.manage("create_api_token", EMAIL, "--name", "flow").stdout.strip()
    head = {"Authorization": f"Bearer {token}"}
    for path in ("/api/v1/statuses", "/metrics", "/healthz", "/readyz"):
        answer = requests.get(panel.address + path, headers=head, timeout=20)
        assert _found(answer.content) == [], path


def test_no_byte_of_the_database_and_its_journal_holds_it(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    files = [path for path in panel.room.glob("panel.sqlite3*") if path.is_file()]
    assert {path.suffix for path in files} >= {".sqlite3", ".sqlite3-wal"}
    for path in files:
        assert _found(path.read_bytes()) == [], path.name


def test_no_session_no_cached_value_and_no_dump_holds_it(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    sessions = [str(row[0]) for row in panel.rows("SELECT session_data FROM django_session")]
    cached = [str(row[0]) for row in panel.rows("SELECT value FROM core_cache")]
    assert sessions
    for value in sessions:
        assert _found(_session(value)) == []
    for value in cached:
        assert _found(base64.b64decode(value)) == []
    dump = panel.manage("dumpdata")
    assert dump.returncode == 0, dump.stderr
    assert _found(dump.stdout.encode()) == []


def _session(value: str) -> bytes:
    packed = value.partition(":")[0]
    raw = packed.removeprefix(".")
    data = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    return zlib.decompress(data) if packed.startswith(".") else data


def test_no_log_line_of_either_process_holds_it_at_the_lowest_level(
    panel: SplitPanel, browser: requests.Session
) -> None:
    del browser
    for log in panel.logs:
        assert _found(log.read_bytes()) == [], log.name
    assert panel.logs[1].stat().st_size


def test_neither_process_carries_it_around(panel: SplitPanel, browser: requests.Session) -> None:
    del browser
    for process in (panel.web, panel.worker):
        assert process is not None
        assert _found(surroundings(process.pid)) == []


def test_the_search_finds_what_is_there() -> None:
    for key in (ADDED, TYPOS[0][:63]):
        for text in (key, key[40:52], key[::-1], key.encode().hex()):
            assert _found(f"… {text} …".encode()), text
        for shift in range(3):
            assert _found(base64.b64encode(b"x" * shift + key.encode()))

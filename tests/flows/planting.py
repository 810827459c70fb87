"""Keys that are put into a running panel in every way there is, and the search for them."""

import re
from pathlib import Path

import requests

from freddy_admin.sandbox.scenarios import Scenario, key_for
from tests.flows.split_panel import SplitPanel
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
BROKEN = key_for(Scenario.HEALTHY, "planted crash")
SLIPS = [
    f"{start}{key_for(Scenario.HEALTHY, f'planted slip {start}{end}')}{end}"
    for start, end in (
        ("", "\n"),
        (" ", ""),
        ("", " x"),
        ("", "\u2019"),
        ("", "\x00"),
        ("", "\r\nX: y"),
        ("\ufeff", ""),
        ("", "\U0001f511"),
    )
]
LENGTH = len(ADDED)


def _bare(key: str) -> str:
    return key.lstrip(" \ufeff")[:LENGTH]


EVERY = [_bare(key) for key in (*IMPORTED.values(), ADDED, REPLACED, PASTED, BROKEN, *SLIPS)]


def _looked_for() -> list[bytes]:
    found: list[str] = []
    for secret in EVERY:
        # The rest names a scenario, in words that pages use as well; the last four may be shown.
        digest = secret.rpartition("_")[2]
        found += parts_in_a_row(digest[:-4], 8) + spellings(secret)
    return [part.encode() for part in found]


LOOKED_FOR = _looked_for()


def found(data: bytes) -> list[bytes]:
    """The parts of any planted key that are there."""
    return [part for part in LOOKED_FOR if part in data]


def imported(panel: SplitPanel) -> None:
    """By the command, from a file that is gone afterwards, as docs/operations.md says."""
    rows = [f"Birch,{kind},{key},," for kind, key in IMPORTED.items()]
    file = panel.room / "keys.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    _said_nothing(panel, "import_keys", str(file))
    file.unlink()


def used(panel: SplitPanel, browser: requests.Session) -> None:
    """Everything a person can do with a key, done; slips of the pen, and a crash amid it all."""
    panel.send(browser, "/add-organisation/", name="Alder")
    answer = panel.send(browser, f"{ALDER}keys/add/", label="Main", api_key=ADDED)
    address = re.search(r"/organisations/alder/keys/\d+/", answer.url)
    assert address, answer.url
    key = address.group()
    assert until(lambda: "Up to date" in panel.page(browser, key))
    for slip in SLIPS:
        told = panel.send(browser, f"{key}replace/", api_key=slip)
        assert found(told.content) == [], slip[-2:]
    panel.send(browser, f"{key}replace/", api_key=REPLACED)
    rows = f"organisation,label,api_key,organization_id,tags\nCedar,Main,{PASTED},,"
    panel.send(browser, "/import/", rows=rows)
    panel.send(browser, f"{key}sync/", mode="full")
    _crashed(panel, browser)
    assert until(lambda: "Key rejected" in panel.page(browser, "/"), seconds=240)
    _said_nothing(panel, "check_now", "--all")


def _crashed(panel: SplitPanel, browser: requests.Session) -> None:
    form = {"api_key": BROKEN, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    head = {"Referer": f"{panel.address}/", "X-API-Key": BROKEN}
    broken = browser.post(f"{panel.address}/breaks/?key={BROKEN}", form, headers=head, timeout=120)
    assert broken.status_code == 500
    assert found(broken.content) == []


def _said_nothing(panel: SplitPanel, *command: str) -> None:
    ended = panel.manage(*command)
    assert ended.returncode == 0, ended.stderr
    assert found((ended.stdout + ended.stderr).encode()) == []


def files_with(room: Path, pattern: str) -> list[str]:
    """The names of the files in which a part of a key is."""
    files = [path for path in room.rglob(pattern) if path.is_file()]
    assert files, pattern
    return [path.name for path in files if found(path.read_bytes())]

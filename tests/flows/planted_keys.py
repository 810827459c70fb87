"""Keys that are planted in a running panel in every way there is, and the search for them."""

import re
from pathlib import Path

import requests

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from tests.flows.split_key_panel import SplitPanel
from tests.flows.wait import wait_until
from tests.leak_search import encoded_forms, substrings_of_length

ALDER_PATH = "/organisations/alder/"
IMPORTED_SCENARIOS = (
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
IMPORTED_KEYS = {kind: sandbox_key(kind, f"planted import {kind}") for kind in IMPORTED_SCENARIOS}
ADDED_KEY, REPLACED_KEY = (
    sandbox_key(Scenario.HEALTHY, f"planted {use}") for use in ("add", "replace")
)
PASTED_KEY = sandbox_key(Scenario.HEALTHY, "planted paste")
CRASH_KEY = sandbox_key(Scenario.HEALTHY, "planted crash")
MISTYPED_KEYS = [
    f"{start}{sandbox_key(Scenario.HEALTHY, f'planted slip {start}{end}')}{end}"
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
LENGTH = len(ADDED_KEY)


def _strip_key(key: str) -> str:
    return key.lstrip(" \ufeff")[:LENGTH]


ALL_PLANTED_KEYS = [
    _strip_key(key)
    for key in (
        *IMPORTED_KEYS.values(),
        ADDED_KEY,
        REPLACED_KEY,
        PASTED_KEY,
        CRASH_KEY,
        *MISTYPED_KEYS,
    )
]


def _searched_parts() -> list[bytes]:
    parts: list[str] = []
    for secret in ALL_PLANTED_KEYS:
        # The rest names a scenario, in words that pages use as well; the last four may be shown.
        digest = secret.rpartition("_")[2]
        parts += substrings_of_length(digest[:-4], 8) + encoded_forms(secret)
    return [part.encode() for part in parts]


SEARCHED_PARTS = _searched_parts()


def find_planted_parts(data: bytes) -> list[bytes]:
    """The parts of any planted key in `data`."""
    return [part for part in SEARCHED_PARTS if part in data]


def import_planted_keys(panel: SplitPanel) -> None:
    """Import keys by the command, from a file that is deleted then, as docs/operations.md says."""
    rows = [f"Birch,{kind},{key},," for kind, key in IMPORTED_KEYS.items()]
    file = panel.folder / "keys.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    _require_silent_command(panel, "import_keys", str(file))
    file.unlink()


def use_planted_keys(panel: SplitPanel, browser: requests.Session) -> None:
    """Do everything a person can do with a key, with mistyped keys and a crash in between."""
    panel.submit_form(browser, "/add-organisation/", name="Alder")
    answer = panel.submit_form(browser, f"{ALDER_PATH}keys/add/", label="Main", api_key=ADDED_KEY)
    address = re.search(r"/organisations/alder/keys/\d+/", answer.url)
    assert address, answer.url
    key = address.group()
    assert wait_until(lambda: "Up to date" in panel.get_page(browser, key))
    for mistyped_key in MISTYPED_KEYS:
        response = panel.submit_form(browser, f"{key}replace/", api_key=mistyped_key)
        assert find_planted_parts(response.content) == [], mistyped_key[-2:]
    panel.submit_form(browser, f"{key}replace/", api_key=REPLACED_KEY)
    rows = f"organisation,label,api_key,organization_id,tags\nCedar,Main,{PASTED_KEY},,"
    panel.submit_form(browser, "/import/", rows=rows)
    panel.submit_form(browser, f"{key}sync/", mode="full")
    _crash_with_key(panel, browser)
    assert wait_until(lambda: "Key rejected" in panel.get_page(browser, "/"), seconds=240)
    _require_silent_command(panel, "check_now", "--all")


def _crash_with_key(panel: SplitPanel, browser: requests.Session) -> None:
    form = {"api_key": CRASH_KEY, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    head = {"Referer": f"{panel.address}/", "X-API-Key": CRASH_KEY}
    broken = browser.post(
        f"{panel.address}/breaks/?key={CRASH_KEY}", form, headers=head, timeout=120
    )
    assert broken.status_code == 500
    assert find_planted_parts(broken.content) == []


def _require_silent_command(panel: SplitPanel, *command: str) -> None:
    result = panel.manage(*command)
    assert result.returncode == 0, result.stderr
    assert find_planted_parts((result.stdout + result.stderr).encode()) == []


def files_with(folder: Path, pattern: str) -> list[str]:
    """The names of the files that hold a part of a planted key."""
    files = [path for path in folder.rglob(pattern) if path.is_file()]
    assert files, pattern
    return [path.name for path in files if find_planted_parts(path.read_bytes())]

"""What was, in the panel of a key: strips, chart and tables, at a price that does not grow."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.core import clock
from freddy_admin.sync.models import CheckRun, EventKind, KeySync
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn, seen_of
from tests.web.past import D, H, M, became, counted, told

HERE = "/organisations/alder/"


@pytest.fixture
def client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    """Late for an hour the day before yesterday, unknown for two hours today; 7 tools, once 5."""
    made = make_key(told_state=State.UP_TO_DATE)
    became(made, "up_to_date", "late", ago=2 * D + H)
    became(made, "late", "up_to_date", ago=2 * D)
    counted(made, 5, 7, ago=D)
    became(made, "up_to_date", "unknown", ago=3 * H)
    became(made, "unknown", "up_to_date", ago=H)
    return made


def past(page: str) -> str:
    return page[page.index('class="past"') :].partition("</article>")[0]


@pytest.mark.parametrize("own_page", [False, True])
def test_the_panel_shows_three_strips_with_their_shares(
    own_page: bool, client: Client, key: ApiKey
) -> None:
    part = past(client.get(f"{HERE}keys/{key.pk}/" if own_page else HERE).content.decode())
    assert re.findall(r'class="strip-share">([^<]+)<', part) == [
        "100 % on time, measured 91 % of the day",
        "99.3 % on time, measured 98 % of the week",
        "99.8 % on time, measured 99 % of the 30 days",
    ]
    assert part.count('class="strip" role="img" aria-label="Last ') == 3
    assert 'preserveAspectRatio="none"' in part
    assert "style=" not in part


def test_a_key_without_a_history_claims_nothing(client: Client, make_key: MakeKey) -> None:
    make_key()
    part = past(client.get(HERE).content.decode())
    assert part.count("no measured time yet") == 6  # to see, and to hear
    assert "Not watched yet" in part
    assert "No figures of tools in these 30 days." in part
    assert 'class="chart"' not in part


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "7 of 42 tools on; between 5 and 7 in these 30 days."),
        ("?over=week", "7 of 42 tools on; between 5 and 7 in these 7 days."),
        ("?over=day", "7 of 42 tools on, unchanged in these 24 hours."),
        ("?over=century", "7 of 42 tools on; between 5 and 7 in these 30 days."),
    ],
)
def test_the_address_says_how_far_the_chart_goes_back(
    query: str, words: str, client: Client, key: ApiKey
) -> None:
    part = past(client.get(f"{HERE}{query}").content.decode())
    assert f"<figcaption>{words}</figcaption>" in part
    assert f'role="img" aria-label="{words}"' in part
    assert part.count('aria-current="true"') == 1 + part.count("rule-fits")


def test_the_ways_to_look_keep_the_rest_of_the_address(client: Client, key: ApiKey) -> None:
    part = past(client.get(f"{HERE}?show=tools&over=day").content.decode())
    assert re.findall(r'<a href="([^"]+)"', part)[:3] == [
        f"{HERE}?over=day&amp;show=tools#over-{key.pk}",
        f"{HERE}?over=week&amp;show=tools#over-{key.pk}",
        f"{HERE}?show=tools#over-{key.pk}",
    ]


def _rows(part: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL)
    cells = (re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows)
    return [
        [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in row] for row in cells if row
    ]


def test_the_same_is_a_table(client: Client, key: ApiKey) -> None:
    states, _, tools = past(client.get(HERE).content.decode()).partition("Tools in the last")
    assert _rows(states) == [
        ["Up to date", "11:00", "still so", "1 h"],
        ["Unknown", "09:00", "11:00", "2 h"],
        ["Up to date", "28 Feb, 12:00", "09:00", "45 h"],
        ["Late", "28 Feb, 11:00", "28 Feb, 12:00", "1 h"],
        ["Up to date", "31 Jan, 12:00", "28 Feb, 11:00", "28 days"],
    ]
    assert _rows(tools)[:4] == [
        ["11:00", "7", "42"],
        ["09:00", "not known", "not known"],
        ["1 Mar, 12:00", "7", "42"],
        ["31 Jan, 12:00", "5", "42"],
    ]


def test_a_long_table_is_cut_and_says_so(client: Client, make_key: MakeKey) -> None:
    made = make_key(told_state=State.UP_TO_DATE)
    for n in range(60):
        became(made, "late", "up_to_date", ago=n * H + M)
        became(made, "up_to_date", "late", ago=n * H + 30 * M)
        counted(made, 2 * n + 1, 2 * n, ago=n * H + M)
        counted(made, 2 * n + 2, 2 * n + 1, ago=n * H + 30 * M)
    states, _, tools = past(client.get(HERE).content.decode()).partition("Tools in the last")
    assert "The latest 100 of 121 are shown." in states
    assert len(_rows(states)) == 100
    assert "The latest 100 of 121 are shown." in tools


def _queries(client: Client, address: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(address, headers=headers).status_code in {200, 204}
    return len([one for one in found.captured_queries if "SAVEPOINT" not in one["sql"]])


def _much_happens(key: ApiKey) -> None:
    for n in range(60):
        became(key, "late" if n % 2 else "up_to_date", "overdue", ago=n * H)
        told(key, EventKind.SYNC_SEEN, ago=n * H)


@pytest.mark.parametrize("own_page", [False, True])
def test_the_price_does_not_grow_with_what_happened(
    own_page: bool, client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    address = f"{HERE}keys/{key.pk}/" if own_page else HERE
    seen = {"x-live": "1", "x-seen": seen_of(client.get(address).content.decode())}
    whole, polled = _queries(client, address), _queries(client, address, **seen)
    # The histories are one query, the syncs that were asked for one, on the page of a key its
    # runs one; unchanged costs none of them.
    assert whole - polled == (3 if own_page else 2)
    _much_happens(key)
    assert _queries(client, address) == whole


def test_many_panels_cost_as_much_as_one(client: Client, make_key: MakeKey) -> None:
    _much_happens(make_key("One"))
    client.get(HERE)
    price = _queries(client, HERE)
    for label in ("Two", "Three"):
        _much_happens(make_key(label))
    # Tags are fetched once for all keys, a history once for all panels.
    assert _queries(client, HERE) == price


def test_only_keys_in_full_have_a_history(client: Client, make_key: MakeKey) -> None:
    for n in range(6):
        make_key(f"Key {n}")
    assert 'class="past"' not in client.get(HERE).content.decode()


def _ask(client: Client, seen: str) -> Any:
    return client.get(HERE, headers={"x-live": "1", "x-seen": seen, "hx-request": "true"})


def test_a_check_brings_the_history_with_its_panel(client: Client, key: ApiKey) -> None:
    seen = seen_of(client.get(HERE).content.decode())
    assert _ask(client, seen).status_code == 204
    KeySync.objects.update(updated_at=clock.now())
    page = _ask(client, seen).content.decode()
    assert re.findall(r'data-part="([^"]+)"', page) == [f"key-{key.pk}"]
    assert "Last 24 hours" in page


def _run(key: ApiKey, **more: Any) -> None:
    now = clock.now()
    values: dict[str, Any] = {
        "organisation_id": key.organisation_id,
        "key": key,
        "key_version": 1,
        "first_at": now - 3 * H,
        "last_at": now - H,
        "count": 24,
        "worst_ms": 321.4,
        "outcome": "good",
        "total_tools": 42,
        "enabled_tools": 7,
        "last_sync_at": now - 4 * H,
    }
    CheckRun.objects.create(**(values | more))


def _runs(client: Client, key: ApiKey) -> list[list[str]]:
    page = client.get(f"{HERE}keys/{key.pk}/").content.decode()
    return _rows(page[page.index('id="runs"') :])


def test_the_page_of_a_key_lists_what_its_checks_brought(client: Client, key: ApiKey) -> None:
    _run(key)
    _run(
        key,
        first_at=clock.now() - 9 * H,
        last_at=clock.now() - 8 * H,
        outcome="failed",
        error_kind="server_error",
        error_http_status=502,
        worst_ms=12_345.0,
        count=1_200,
    )
    assert _runs(client, key) == [
        [
            "7 of 42 tools on Last synced: 08:00. Next sync: not named.",
            "09:00",
            "11:00",
            "24",
            "321 ms",
        ],
        ["Aitronos error 502", "03:00", "04:00", "1,200", "12.3 s"],
    ]
    assert 'id="runs"' not in client.get(HERE).content.decode()


@pytest.mark.parametrize(
    "odd",
    [
        {"outcome": "good", "total_tools": None, "enabled_tools": None, "last_sync_at": None},
        {"outcome": "failed", "error_kind": ""},
        {"outcome": "odd", "worst_ms": None},
    ],
)
def test_a_run_that_says_little_is_a_line_all_the_same(
    odd: dict[str, Any], client: Client, key: ApiKey
) -> None:
    _run(key, **odd)
    assert len(_runs(client, key)) == 1


def test_without_a_run_that_is_over_it_says_so(client: Client, key: ApiKey) -> None:
    page = client.get(f"{HERE}keys/{key.pk}/").content.decode()
    assert "a line appears once a check brings something else" in page


def test_revoking_tells_what_goes_and_what_stays(
    people: People, signed_in: SignIn, key: ApiKey
) -> None:
    page = signed_in(people.manager).get(f"{HERE}keys/{key.pk}/revoke/").content.decode()
    goes, _, stays = page[page.index("What goes, for good") :].partition("What stays")
    assert "its latest figures and its state" in goes
    assert "in the organisation's timeline, until it is old enough" in stays


def test_the_strips_of_a_quiet_month_are_small(client: Client, make_key: MakeKey) -> None:
    made = make_key(told_state=State.UP_TO_DATE)
    for n in range(1, 1440):
        pair = ("late", "up_to_date") if n % 2 else ("up_to_date", "late")
        became(made, *pair, ago=timedelta(minutes=30 * n - 1))
    page = client.get(HERE).content.decode()
    assert past(page).count("<rect") <= 3 * 200 + 6
    assert len(page) < 200_000

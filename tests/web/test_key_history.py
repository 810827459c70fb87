"""The history in a key's card: status bars, chart and tables, in a fixed number of queries."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.core import clock
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import CheckRun, EventKind, SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn, shown_digests_of
from tests.web.history_events import (
    DAY,
    HOUR,
    MINUTE,
    create_event,
    create_state_change,
    create_tools_change,
)

HERE = "/organisations/alder/"


@pytest.fixture
def client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    """A key late for an hour the day before yesterday, unknown for two today; 7 tools, once 5."""
    key = make_key(recorded_state=HealthState.UP_TO_DATE)
    create_state_change(key, "up_to_date", "late", ago=2 * DAY + HOUR)
    create_state_change(key, "late", "up_to_date", ago=2 * DAY)
    create_tools_change(key, 5, 7, ago=DAY)
    create_state_change(key, "up_to_date", "unknown", ago=3 * HOUR)
    create_state_change(key, "unknown", "up_to_date", ago=HOUR)
    return key


def key_history_html(page: str) -> str:
    return page[page.index('class="key-history"') :].partition("</article>")[0]


@pytest.mark.parametrize("own_page", [False, True])
def test_key_card_shows_three_status_bars_with_their_shares(
    own_page: bool, client: Client, key: ApiKey
) -> None:
    history_html = key_history_html(
        client.get(f"{HERE}keys/{key.pk}/" if own_page else HERE).content.decode()
    )
    assert re.findall(r'class="status-bar-share">([^<]+)<', history_html) == [
        "100 % on time, measured 91 % of the day",
        "99.3 % on time, measured 98 % of the week",
        "99.8 % on time, measured 99 % of the 30 days",
    ]
    assert history_html.count('class="status-bar" role="img" aria-label="Last ') == 3
    assert 'preserveAspectRatio="none"' in history_html
    assert "style=" not in history_html


def test_a_key_without_a_history_claims_nothing(client: Client, make_key: MakeKey) -> None:
    make_key()
    history_html = key_history_html(client.get(HERE).content.decode())
    assert history_html.count("no measured time yet") == 6  # one visible, one for screen readers
    assert "Not watched yet" in history_html
    assert "No figures of tools in these 30 days." in history_html
    assert 'class="chart"' not in history_html


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "7 of 42 tools on; between 5 and 7 in these 30 days."),
        ("?over=week", "7 of 42 tools on; between 5 and 7 in these 7 days."),
        ("?over=day", "7 of 42 tools on, unchanged in these 24 hours."),
        ("?over=century", "7 of 42 tools on; between 5 and 7 in these 30 days."),
    ],
)
def test_query_string_says_how_far_the_chart_goes_back(
    query: str, words: str, client: Client, key: ApiKey
) -> None:
    history_html = key_history_html(client.get(f"{HERE}{query}").content.decode())
    assert f"<figcaption>{words}</figcaption>" in history_html
    assert f'role="img" aria-label="{words}"' in history_html
    assert history_html.count('aria-current="true"') == 1 + history_html.count("health-rule-match")


def test_window_links_keep_the_rest_of_the_query_string(client: Client, key: ApiKey) -> None:
    history_html = key_history_html(client.get(f"{HERE}?show=tools&over=day").content.decode())
    assert re.findall(r'<a href="([^"]+)"', history_html)[:3] == [
        f"{HERE}?over=day&amp;show=tools#over-{key.pk}",
        f"{HERE}?over=week&amp;show=tools#over-{key.pk}",
        f"{HERE}?show=tools#over-{key.pk}",
    ]


def _rows(history_html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", history_html, re.DOTALL)
    cells = (re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows)
    return [
        [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in row] for row in cells if row
    ]


def test_history_is_also_a_table(client: Client, key: ApiKey) -> None:
    states, _, tools = key_history_html(client.get(HERE).content.decode()).partition(
        "Tools in the last"
    )
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


def test_long_history_table_is_truncated_and_says_so(client: Client, make_key: MakeKey) -> None:
    key = make_key(recorded_state=HealthState.UP_TO_DATE)
    for n in range(60):
        create_state_change(key, "late", "up_to_date", ago=n * HOUR + MINUTE)
        create_state_change(key, "up_to_date", "late", ago=n * HOUR + 30 * MINUTE)
        create_tools_change(key, 2 * n + 1, 2 * n, ago=n * HOUR + MINUTE)
        create_tools_change(key, 2 * n + 2, 2 * n + 1, ago=n * HOUR + 30 * MINUTE)
    states, _, tools = key_history_html(client.get(HERE).content.decode()).partition(
        "Tools in the last"
    )
    assert "The latest 100 of 121 are shown." in states
    assert len(_rows(states)) == 100
    assert "The latest 100 of 121 are shown." in tools


def _queries(client: Client, address: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address, headers=headers).status_code in {200, 204}
    return len([query for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]])


def _create_many_events(key: ApiKey) -> None:
    for n in range(60):
        create_state_change(key, "late" if n % 2 else "up_to_date", "overdue", ago=n * HOUR)
        create_event(key, EventKind.SYNC_SEEN, ago=n * HOUR)


@pytest.mark.parametrize("own_page", [False, True])
def test_query_count_does_not_grow_with_events(
    own_page: bool, client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    address = f"{HERE}keys/{key.pk}/" if own_page else HERE
    shown_digests = {
        "x-live": "1",
        "x-seen": shown_digests_of(client.get(address).content.decode()),
    }
    page_queries = _queries(client, address)
    poll_queries = _queries(client, address, **shown_digests)
    # One query for the histories, one for requested syncs, on a key's page one for check runs;
    # an unchanged poll runs none of them.
    assert page_queries - poll_queries == (3 if own_page else 2)
    _create_many_events(key)
    assert _queries(client, address) == page_queries


def test_many_key_cards_cost_as_many_queries_as_one(client: Client, make_key: MakeKey) -> None:
    _create_many_events(make_key("One"))
    client.get(HERE)
    query_count = _queries(client, HERE)
    for label in ("Two", "Three"):
        _create_many_events(make_key(label))
    # Tags are fetched once for all keys, histories once for all cards.
    assert _queries(client, HERE) == query_count


def test_only_expanded_key_cards_have_a_history(client: Client, make_key: MakeKey) -> None:
    for n in range(6):
        make_key(f"Key {n}")
    assert 'class="key-history"' not in client.get(HERE).content.decode()


def _poll(client: Client, shown_digests: str) -> Any:
    return client.get(HERE, headers={"x-live": "1", "x-seen": shown_digests, "hx-request": "true"})


def test_poll_after_a_check_sends_the_key_card_with_its_history(
    client: Client, key: ApiKey
) -> None:
    shown_digests = shown_digests_of(client.get(HERE).content.decode())
    assert _poll(client, shown_digests).status_code == 204
    SyncStatus.objects.update(updated_at=clock.now())
    page = _poll(client, shown_digests).content.decode()
    assert re.findall(r'data-part="([^"]+)"', page) == [f"key-{key.pk}"]
    assert "Last 24 hours" in page


def _create_check_run(key: ApiKey, **more: Any) -> None:
    now = clock.now()
    values: dict[str, Any] = {
        "organisation_id": key.organisation_id,
        "key": key,
        "key_version": 1,
        "first_at": now - 3 * HOUR,
        "last_at": now - HOUR,
        "count": 24,
        "worst_ms": 321.4,
        "outcome": "good",
        "total_tools": 42,
        "enabled_tools": 7,
        "last_sync_at": now - 4 * HOUR,
    }
    CheckRun.objects.create(**(values | more))


def _check_run_rows(client: Client, key: ApiKey) -> list[list[str]]:
    page = client.get(f"{HERE}keys/{key.pk}/").content.decode()
    return _rows(page[page.index('id="runs"') :])


def test_page_of_a_key_lists_its_check_runs(client: Client, key: ApiKey) -> None:
    _create_check_run(key)
    _create_check_run(
        key,
        first_at=clock.now() - 9 * HOUR,
        last_at=clock.now() - 8 * HOUR,
        outcome="failed",
        error_kind="server_error",
        error_http_status=502,
        worst_ms=12_345.0,
        count=1_200,
    )
    assert _check_run_rows(client, key) == [
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
    "columns",
    [
        {"outcome": "good", "total_tools": None, "enabled_tools": None, "last_sync_at": None},
        {"outcome": "failed", "error_kind": ""},
        {"outcome": "odd", "worst_ms": None},
    ],
)
def test_check_run_with_few_details_is_a_line(
    columns: dict[str, Any], client: Client, key: ApiKey
) -> None:
    _create_check_run(key, **columns)
    assert len(_check_run_rows(client, key)) == 1


def test_page_without_a_finished_check_run_says_so(client: Client, key: ApiKey) -> None:
    page = client.get(f"{HERE}keys/{key.pk}/").content.decode()
    assert "a line appears once a check brings something else" in page


def test_revoke_page_says_what_goes_and_what_stays(
    people: People, signed_in: SignIn, key: ApiKey
) -> None:
    page = signed_in(people.manager).get(f"{HERE}keys/{key.pk}/revoke/").content.decode()
    deleted_text, _, kept_text = page[page.index("What goes, for good") :].partition("What stays")
    assert "its latest figures and its state" in deleted_text
    assert "in the organisation's timeline, until it is old enough" in kept_text


def test_status_bars_of_a_quiet_month_are_small_html(client: Client, make_key: MakeKey) -> None:
    key = make_key(recorded_state=HealthState.UP_TO_DATE)
    for n in range(1, 1440):
        states = ("late", "up_to_date") if n % 2 else ("up_to_date", "late")
        create_state_change(key, *states, ago=timedelta(minutes=30 * n - 1))
    page = client.get(HERE).content.decode()
    assert key_history_html(page).count("<rect") <= 3 * 200 + 6
    assert len(page) < 200_000

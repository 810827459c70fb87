"""Expiring keys: announced in time, counted as needing you when urgent, found by a filter."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import HistoryEvent
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import (
    HandClock,
    MakeKey,
    People,
    SignIn,
    create_keys_like,
    shown_digests_of,
)

HERE = "/organisations/alder/"


@pytest.fixture
def expiring(make_key: MakeKey, hand_clock: HandClock) -> MakeKey:
    def make(days: int, label: str = "Main", **row: object) -> ApiKey:
        key = dict(row.pop("key", {}))  # type: ignore[call-overload]
        day = (hand_clock() + timedelta(days=days)).date()
        return make_key(label, key=key | {"expires_on": day}, **row)

    return make


def _needs_you_count(page: str) -> int:
    match = re.search(r'data-needs-you="(\d+)"', page)
    assert match is not None
    return int(match.group(1))


def _cards_html(page: str) -> str:
    return page[page.index('id="needs"') : page.index('class="card list"')]


def _key_ids(page: str) -> list[str]:
    return re.findall(r'data-part="row-(\d+)"', page)


@pytest.mark.parametrize(
    ("days", "sentence", "tone"),
    [
        (30, "The key of Alder expires in 30 days: make a new one.", "quiet"),
        (8, "The key of Alder expires in 8 days: make a new one.", "quiet"),
        (7, "The key of Alder expires in 7 days: make a new one.", "warn"),
        (2, "The key of Alder expires in 2 days: make a new one.", "warn"),
        (1, "The key of Alder expires tomorrow: make a new one.", "bad"),
        (0, "The key of Alder expires today: make a new one.", "bad"),
        (-1, "The key of Alder expired yesterday: make a new one.", "bad"),
        (-9, "The key of Alder expired 9 days ago: make a new one.", "bad"),
    ],
)
def test_key_card_warns_of_expiry_in_time(
    expiring: MakeKey, people: People, signed_in: SignIn, days: int, sentence: str, tone: str
) -> None:
    expiring(days)
    page = signed_in(people.viewer).get(HERE).content.decode()
    notice = re.search(r'class="notice tone-(\w+)"><svg[^>]*>.*?</svg><p>(.*?)</p>', page)
    assert notice is not None
    assert notice.group(1) == tone
    assert notice.group(2).startswith(sentence)


@pytest.mark.parametrize("days", [31, 400])
def test_key_card_says_nothing_of_a_distant_expiry(
    expiring: MakeKey, people: People, signed_in: SignIn, days: int
) -> None:
    expiring(days)
    client = signed_in(people.viewer)
    assert "make a new one" not in client.get(HERE).content.decode()
    page = client.get("/").content.decode()
    assert "expire" not in page
    assert _needs_you_count(page) == 0


@pytest.mark.parametrize(("days", "expected_count"), [(8, 0), (7, 1), (0, 1), (-3, 1)])
def test_expiring_key_counts_as_needing_you_from_seven_days_on(
    expiring: MakeKey, people: People, signed_in: SignIn, days: int, expected_count: int
) -> None:
    key = expiring(days)
    client = signed_in(people.manager)
    page = client.get("/").content.decode()
    assert _needs_you_count(page) == expected_count
    assert ("The key of Alder expire" in _cards_html(page)) == bool(expected_count)
    assert (f"keys/{key.pk}/replace/" in _cards_html(page)) == bool(expected_count)
    assert ("1 needs you" in page) == bool(expected_count)
    assert "1 key expires soon" in page
    assert _needs_you_count(client.get(HERE).content.decode()) == expected_count
    filtered = client.get("/?state=needs_you").content.decode()
    assert len(_key_ids(filtered)) == expected_count


def test_a_key_in_trouble_that_also_expires_is_counted_once(
    expiring: MakeKey, people: People, signed_in: SignIn
) -> None:
    expiring(3, state=HealthState.KEY_REJECTED, error_kind="key_refused", unknown_at=None)
    page = signed_in(people.manager).get("/").content.decode()
    assert _needs_you_count(page) == 1
    assert "key expires in 3 days" in page
    assert page.count('class="needs-you-card tone-') == 1


def test_expiring_paused_key_is_listed_but_needs_nobody(
    expiring: MakeKey, people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    expiring(3, key={"paused_at": hand_clock(), "paused_by": "Ann"})
    client = signed_in(people.manager)
    assert _needs_you_count(client.get("/").content.decode()) == 0
    assert len(_key_ids(client.get("/?expiring=1").content.decode())) == 1


def test_expiring_keys_come_before_healthy_ones(
    expiring: MakeKey, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    late_key = make_key("a", state=HealthState.LATE)
    urgent_key, soon_key = expiring(5, "z"), expiring(20, "b")
    overdue_key = make_key("y", state=HealthState.OVERDUE)
    page = signed_in(people.viewer).get("/").content.decode()
    assert _key_ids(page) == [str(key.pk) for key in (overdue_key, urgent_key, late_key, soon_key)]


def test_expiry_filter_keeps_keys_of_any_state_and_stays_in_the_url(
    expiring: MakeKey, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    make_key("well")
    expected_ids = {expiring(29, "b").pk, expiring(-4, "c", state=HealthState.OVERDUE).pk}
    expiring(31, "d")
    client = signed_in(people.viewer)
    assert 'href="/?expiring=1"' in client.get("/").content.decode()
    page = client.get("/?expiring=1").content.decode()
    assert {int(key_id) for key_id in _key_ids(page)} == expected_ids
    assert "2 of 4 keys" in page
    assert 'name="expiring" value="1"' in page
    assert 'href="/?state=needs_you&amp;expiring=1"' in page
    # The count covers all states, and so does the linked list.
    assert 'href="/?expiring=1"' in client.get("/?state=up_to_date").content.decode()
    for value in ("0", "yes", ""):
        assert len(_key_ids(client.get(f"/?expiring={value}").content.decode())) == 4


def test_export_has_the_expiry_day_in_a_column_of_its_own(
    expiring: MakeKey, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    expiring(10, "a")
    make_key("b")
    answer = signed_in(people.viewer).get("/overview.csv?sort=organisation")
    header, *rows = csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    place = header.index("key_expires_on")
    assert [row[place] for row in rows] == ["2026-03-12", ""]


def test_open_page_changes_when_a_day_passes(
    expiring: MakeKey, people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    expiring(8, unknown_at=hand_clock() + timedelta(days=3))
    client = signed_in(people.viewer)
    shown_digests = shown_digests_of(client.get("/").content.decode())
    hand_clock.advance(days=1)
    client = signed_in(people.viewer)  # a day without a request ended the session
    answer = client.get("/", headers={"x-live": "1", "x-seen": shown_digests})
    assert "expires in 7 days" in answer.content.decode()


def test_expiry_costs_no_query(
    expiring: MakeKey, people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    create_keys_like(expiring(3), 80)
    ApiKey.objects.update(expires_on=(hand_clock() + timedelta(days=3)).date())
    client = signed_in(people.viewer)
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/?expiring=1&state=needs_you").content.decode()
    assert len(_key_ids(page)) == 50
    assert "81 of 81 keys" in page
    assert len(queries) <= 9


def test_key_form_takes_and_shows_the_expiry_day(
    make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    key, client = make_key(), signed_in(people.manager)
    edit = f"{HERE}keys/{key.pk}/edit/"
    client.post(edit, {"label": "Main", "expires_on": "2026-12-31"})
    key.refresh_from_db()
    assert f"{key.expires_on:%Y-%m-%d}" == "2026-12-31"
    assert 'value="2026-12-31"' in client.get(edit).content.decode()
    assert "31 Dec 2026" in client.get(HERE).content.decode()
    assert HistoryEvent.objects.get().details == {"what": "edited"}
    client.post(edit, {"label": "Main", "expires_on": ""})
    key.refresh_from_db()
    assert key.expires_on is None


@pytest.mark.parametrize(
    "day", ["tomorrow", "31.12.2026", "1999-12-31", "2101-01-01", "9999-99-99"]
)
def test_invalid_expiry_day_is_refused_beside_its_field(
    make_key: MakeKey, people: People, signed_in: SignIn, day: str
) -> None:
    key, client = make_key(), signed_in(people.manager)
    answer = client.post(f"{HERE}keys/{key.pk}/edit/", {"label": "Main", "expires_on": day})
    assert answer.status_code == 200
    assert 'id="id_expires_on_error"' in answer.content.decode()

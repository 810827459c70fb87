"""A key that expires: said before it happens, counted when it is urgent, found by a filter."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.sync.models import HistoryEvent
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import HandClock, MakeKey, People, SignIn, keys_like, seen_of

HERE = "/organisations/alder/"


@pytest.fixture
def expiring(make_key: MakeKey, hand_clock: HandClock) -> MakeKey:
    def make(days: int, label: str = "Main", **row: object) -> ApiKey:
        key = dict(row.pop("key", {}))  # type: ignore[call-overload]
        day = (hand_clock() + timedelta(days=days)).date()
        return make_key(label, key=key | {"expires_on": day}, **row)

    return make


def _needs(page: str) -> int:
    found = re.search(r'data-needs-you="(\d+)"', page)
    assert found is not None
    return int(found.group(1))


def _cards(page: str) -> str:
    return page[page.index('id="needs"') : page.index('class="card list"')]


def _names(page: str) -> list[str]:
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
def test_the_keys_panel_says_it_in_time(
    expiring: MakeKey, people: People, signed_in: SignIn, days: int, sentence: str, tone: str
) -> None:
    expiring(days)
    page = signed_in(people.viewer).get(HERE).content.decode()
    notice = re.search(r'class="notice tone-(\w+)"><svg[^>]*>.*?</svg><p>(.*?)</p>', page)
    assert notice is not None
    assert notice.group(1) == tone
    assert notice.group(2).startswith(sentence)


@pytest.mark.parametrize("days", [31, 400])
def test_while_there_is_time_nothing_is_said(
    expiring: MakeKey, people: People, signed_in: SignIn, days: int
) -> None:
    expiring(days)
    client = signed_in(people.viewer)
    assert "make a new one" not in client.get(HERE).content.decode()
    page = client.get("/").content.decode()
    assert "expire" not in page
    assert _needs(page) == 0


@pytest.mark.parametrize(("days", "needs"), [(8, 0), (7, 1), (0, 1), (-3, 1)])
def test_it_counts_among_what_needs_you_from_seven_days_on(
    expiring: MakeKey, people: People, signed_in: SignIn, days: int, needs: int
) -> None:
    key = expiring(days)
    client = signed_in(people.manager)
    page = client.get("/").content.decode()
    assert _needs(page) == needs
    assert ("The key of Alder expire" in _cards(page)) == bool(needs)
    assert (f"keys/{key.pk}/replace/" in _cards(page)) == bool(needs)
    assert ("1 needs you" in page) == bool(needs)
    assert "1 key expires soon" in page
    assert _needs(client.get(HERE).content.decode()) == needs
    filtered = client.get("/?state=needs_you").content.decode()
    assert len(_names(filtered)) == needs


def test_a_key_in_trouble_that_also_expires_is_counted_once(
    expiring: MakeKey, people: People, signed_in: SignIn
) -> None:
    expiring(3, state=State.KEY_REJECTED, error_kind="key_refused", unknown_at=None)
    page = signed_in(people.manager).get("/").content.decode()
    assert _needs(page) == 1
    assert "key expires in 3 days" in page
    assert page.count('class="need tone-') == 1


def test_a_paused_key_is_found_but_needs_nobody(
    expiring: MakeKey, people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    expiring(3, key={"paused_at": hand_clock(), "paused_by": "Ann"})
    client = signed_in(people.manager)
    assert _needs(client.get("/").content.decode()) == 0
    assert len(_names(client.get("/?expiring=1").content.decode())) == 1


def test_what_expires_comes_before_what_is_well(
    expiring: MakeKey, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    late = make_key("a", state=State.LATE)
    urgent, soon = expiring(5, "z"), expiring(20, "b")
    bad = make_key("y", state=State.OVERDUE)
    page = signed_in(people.viewer).get("/").content.decode()
    assert _names(page) == [str(key.pk) for key in (bad, urgent, late, soon)]


def test_the_filter_leaves_them_whatever_their_state_and_stays_in_the_address(
    expiring: MakeKey, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    make_key("well")
    kept = {expiring(29, "b").pk, expiring(-4, "c", state=State.OVERDUE).pk}
    expiring(31, "d")
    client = signed_in(people.viewer)
    assert 'href="/?expiring=1"' in client.get("/").content.decode()
    page = client.get("/?expiring=1").content.decode()
    assert {int(one) for one in _names(page)} == kept
    assert "2 of 4 keys" in page
    assert 'name="expiring" value="1"' in page
    assert 'href="/?state=needs_you&amp;expiring=1"' in page
    # Its number is that of all states, and so is what it leads to.
    assert 'href="/?expiring=1"' in client.get("/?state=up_to_date").content.decode()
    for ignored in ("0", "yes", ""):
        assert len(_names(client.get(f"/?expiring={ignored}").content.decode())) == 4


def test_the_export_has_the_day_in_its_last_column(
    expiring: MakeKey, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    expiring(10, "a")
    make_key("b")
    answer = signed_in(people.viewer).get("/overview.csv?sort=organisation")
    header, *rows = csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert header[-1] == "key_expires_on"
    assert [row[-1] for row in rows] == ["2026-03-12", ""]


def test_a_day_that_passes_changes_an_open_page(
    expiring: MakeKey, people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    expiring(8, unknown_at=hand_clock() + timedelta(days=3))
    client = signed_in(people.viewer)
    seen = seen_of(client.get("/").content.decode())
    hand_clock.forward(days=1)
    client = signed_in(people.viewer)  # a day without a request ended the session
    answer = client.get("/", headers={"x-live": "1", "x-seen": seen})
    assert "expires in 7 days" in answer.content.decode()


def test_the_days_cost_no_query(
    expiring: MakeKey, people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    keys_like(expiring(3), 80)
    ApiKey.objects.update(expires_on=(hand_clock() + timedelta(days=3)).date())
    client = signed_in(people.viewer)
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/?expiring=1&state=needs_you").content.decode()
    assert len(_names(page)) == 50
    assert "81 of 81 keys" in page
    assert len(queries) <= 9


def test_the_form_takes_and_shows_the_day(
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
def test_a_day_that_is_none_is_refused_beside_its_field(
    make_key: MakeKey, people: People, signed_in: SignIn, day: str
) -> None:
    key, client = make_key(), signed_in(people.manager)
    answer = client.post(f"{HERE}keys/{key.pk}/edit/", {"label": "Main", "expires_on": day})
    assert answer.status_code == 200
    assert 'id="id_expires_on_error"' in answer.content.decode()

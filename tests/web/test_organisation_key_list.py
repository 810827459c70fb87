"""An organisation with many keys: a list with pages, a search, and a way to each key."""

import re

import pytest

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus
from tests.web.conftest import HandClock, MakeKey, People, SignIn, create_keys_like

HERE = "/organisations/alder/"


def _labels(page: str) -> list[str]:
    return re.findall(r'class="c-name">\s*<a href="[^"]*">([^<]*)<', page)


@pytest.fixture
def many_keys(make_key: MakeKey, people: People) -> None:
    """60 healthy keys, and two that need somebody."""
    make_key("Broken", state=HealthState.NEVER_SYNCED, last_sync_at=None)
    make_key("Slow", state=HealthState.LATE, key={"owner": people.operator})
    create_keys_like(make_key("0"), 59)


@pytest.mark.usefixtures("many_keys")
def test_page_of_keys_holds_25_the_worst_first(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.viewer)
    first_page = client.get(HERE).content.decode()
    assert _labels(first_page)[:2] == ["Broken", "Slow"]
    assert len(_labels(first_page)) == 25
    assert first_page.count('class="card key-card') == 1  # the key that needs somebody, as a card
    assert "62 keys" in first_page
    assert "Page 1 of 3" in first_page
    last_page = client.get(f"{HERE}?page=3").content.decode()
    assert len(_labels(last_page)) == 12
    assert 'class="card key-card' not in last_page
    names = {
        *_labels(first_page),
        *_labels(last_page),
        *_labels(client.get(f"{HERE}?page=2").content.decode()),
    }
    assert len(names) == 62


@pytest.mark.usefixtures("many_keys")
@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("q=SLOW", ["Slow"]),
        ("q=operator", ["Slow"]),
        ("state=never_synced", ["Broken"]),
        ("state=needs_you&q=bro", ["Broken"]),
        ("q=nobody-has-this", []),
        ("state=paused", []),
    ],
)
def test_keys_are_found_by_label_owner_and_state(
    query: str, labels: list[str], people: People, signed_in: SignIn
) -> None:
    page = signed_in(people.viewer).get(f"{HERE}?{query}").content.decode()
    assert _labels(page) == labels
    assert f"{len(labels)} of 62 keys" in page
    assert ("Nothing matches" in page) is (not labels)


@pytest.mark.usefixtures("many_keys")
@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "state=bogus", "owner=1&tag=x"])
def test_unknown_filter_value_is_ignored(query: str, people: People, signed_in: SignIn) -> None:
    page = signed_in(people.viewer).get(f"{HERE}?{query}").content.decode()
    assert _labels(page)[0] == "Broken"


def test_few_keys_are_never_filtered_away(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    page = signed_in(people.viewer).get(f"{HERE}?q=zzz&state=late&page=7").content.decode()
    assert page.count('class="card key-card') == 1
    assert "data-filters" not in page


@pytest.mark.usefixtures("many_keys")
def test_a_page_asks_for_checks_of_the_keys_it_shows(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    now = hand_clock.advance(minutes=2)
    SyncStatus.objects.update(next_check_at=now.replace(minute=30))
    signed_in(people.viewer).get(HERE)
    assert SyncStatus.objects.filter(next_check_at=now).count() == 25


@pytest.mark.usefixtures("many_keys")
def test_check_of_a_key_among_many_leads_to_its_page(people: People, signed_in: SignIn) -> None:
    client, key = signed_in(people.operator), SyncStatus.objects.get(key__label="Slow")
    SyncStatus.objects.update(checked_at=None)
    page = client.post(f"{HERE}keys/{key.pk}/check/", follow=True)
    assert page.request["PATH_INFO"] == f"{HERE}keys/{key.pk}/"
    assert "Checking, as you asked" in page.content.decode()


@pytest.mark.parametrize("from_key", [True, False])
def test_check_from_the_page_of_a_key_stays_there(
    from_key: bool, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    client, address = signed_in(people.operator), f"{HERE}keys/{make_key().pk}/"
    assert ('name="from_key"' in client.get(address).content.decode()) is True
    answer = client.post(f"{address}check/", {"from_key": "1"} if from_key else {})
    assert answer["Location"].startswith(f"{address}?asked=" if from_key else f"{HERE}?asked=")


@pytest.mark.usefixtures("many_keys")
def test_the_overview_leads_to_the_key_itself(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    page = signed_in(people.viewer).get("/?q=slow").content.decode()
    key = SyncStatus.objects.get(key__label="Slow")
    assert f'<a href="{HERE}">Alder</a>' in page
    assert f'<a href="{HERE}keys/{key.pk}/">Slow</a>' in page

"""Live updates: a page that has everything is told nothing, one that has not is told the rest."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.sync.models import KeySync, WorkerBeat
from tests.web.conftest import HandClock, MakeKey, People, SignIn, seen_of


def _ask(client: Client, seen: str, address: str = "/"):  # type: ignore[no-untyped-def]
    return client.get(address, headers={"x-live": "1", "x-seen": seen, "hx-request": "true"})


def test_nothing_changed_is_204_without_a_byte(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerBeat
) -> None:
    make_key()
    client = signed_in(people.viewer)
    answer = _ask(client, seen_of(client.get("/").content.decode()))
    assert (answer.status_code, answer.content) == (204, b"")


def test_nothing_is_drawn_for_a_browser_that_has_it_all(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    worker: WorkerBeat,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_key()
    client = signed_in(people.viewer)
    seen = seen_of(client.get("/").content.decode())
    monkeypatch.delattr("freddy_admin.web.views.overview.overview_view")
    assert _ask(client, seen).status_code == 204


def test_a_changed_row_comes_alone(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerBeat
) -> None:
    changed, same = make_key("One"), make_key("Two")
    client = signed_in(people.viewer)
    seen = seen_of(client.get("/").content.decode())
    KeySync.objects.filter(pk=changed.pk).update(updated_at=clock.now())
    answer = _ask(client, seen)
    page = answer.content.decode()
    assert answer["HX-Reswap"] == "none"
    assert f'id="row-{changed.pk}"' in page
    assert f'id="row-{same.pk}"' not in page
    assert page.count("hx-swap-oob") == 1


def test_another_order_brings_the_whole_list(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerBeat
) -> None:
    make_key("One")
    client = signed_in(people.viewer)
    seen = seen_of(client.get("/").content.decode())
    make_key("Two")
    page = _ask(client, seen).content.decode()
    assert 'id="live"' in page
    assert "<html" not in page


HERE = "/organisations/alder/"


@pytest.mark.parametrize("number", [1, 6])
def test_the_page_of_an_organisation_is_told_what_changed_alone(
    number: int, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    keys = [make_key(f"Key {n}") for n in range(number)]
    client = signed_in(people.viewer)
    seen = seen_of(client.get(HERE).content.decode())
    assert _ask(client, seen, HERE).status_code == 204
    KeySync.objects.filter(pk=keys[0].pk).update(updated_at=clock.now())
    answer = _ask(client, seen, HERE)
    page = answer.content.decode()
    part = f"row-{keys[0].pk}" if number > 1 else f"key-{keys[0].pk}"
    assert answer["HX-Reswap"] == "none"
    assert re.findall(r'data-part="([^"]+)"', page) == [part]
    assert page.count("hx-swap-oob") == 1


def test_a_browser_that_shows_another_list_is_sent_the_whole(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key("One")
    client = signed_in(people.viewer)
    seen = seen_of(client.get(HERE).content.decode())
    make_key("Two")
    page = _ask(client, seen, HERE).content.decode()
    assert page.count('data-part="key-') == 2
    assert 'data-part="frame"' in page


def test_the_page_of_a_key_is_told_nothing_twice(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    address = f"{HERE}keys/{make_key().pk}/"
    client = signed_in(people.viewer)
    seen = seen_of(client.get(address).content.decode())
    assert _ask(client, seen, address).status_code == 204
    KeySync.objects.update(requested_at=clock.now())
    assert _ask(client, seen, address).status_code == 200


@pytest.mark.parametrize("address", ["/", HERE, "key"])
def test_only_the_part_that_waits_asks_for_a_quick_answer(
    address: str, people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerBeat
) -> None:
    # On the frame, which such an answer leaves as it is, the hurry would never end.
    key = make_key(requested_at=clock.now(), checked_at=None)
    address = f"{HERE}keys/{key.pk}/" if address == "key" else address
    page = signed_in(people.viewer).get(address).content.decode()
    frame = page[page.index('id="live"') :].partition(">")[0]
    assert "data-pending" not in frame
    assert page.count("data-pending") == 1


def test_what_only_time_changes_is_sent_too(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    due = hand_clock() + timedelta(minutes=5)
    make_key(next_sync_at=due, next_check_at=due + timedelta(hours=1))
    client = signed_in(people.viewer)
    seen = seen_of(client.get(HERE).content.decode())
    hand_clock.at = due
    assert "due now" in _ask(client, seen, HERE).content.decode()


def test_every_update_says_what_time_it_is_by_the_panels_clock(
    people: People, signed_in: SignIn, worker: WorkerBeat, hand_clock: HandClock
) -> None:
    client = signed_in(people.viewer)
    page = client.get("/")
    now = str(int(hand_clock.at.timestamp() * 1000))
    assert f'data-now="{now}" data-speed="1"' in page.content.decode()
    assert _ask(client, seen_of(page.content.decode()))["X-Now"] == now
    assert "X-Now" not in page

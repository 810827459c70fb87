"""Live updates: an up-to-date page is sent nothing, another one only what changed."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of


def _poll(client: Client, shown_digests: str, address: str = "/"):  # type: ignore[no-untyped-def]
    return client.get(
        address, headers={"x-live": "1", "x-seen": shown_digests, "hx-request": "true"}
    )


def test_unchanged_poll_is_204_without_a_byte(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    make_key()
    client = signed_in(people.viewer)
    answer = _poll(client, shown_digests_of(client.get("/").content.decode()))
    assert (answer.status_code, answer.content) == (204, b"")


def test_nothing_is_rendered_for_a_browser_that_is_up_to_date(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    worker: WorkerHeartbeat,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_key()
    client = signed_in(people.viewer)
    shown_digests = shown_digests_of(client.get("/").content.decode())
    monkeypatch.delattr("freddy_admin.web.pages.overview.views.overview_page_context")
    assert _poll(client, shown_digests).status_code == 204


def test_changed_row_is_sent_alone(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    changed_key, same_key = make_key("One"), make_key("Two")
    client = signed_in(people.viewer)
    shown_digests = shown_digests_of(client.get("/").content.decode())
    SyncStatus.objects.filter(pk=changed_key.pk).update(enabled_tools=8)
    answer = _poll(client, shown_digests)
    page = answer.content.decode()
    assert answer["HX-Reswap"] == "none"
    assert f'id="row-{changed_key.pk}"' in page
    assert f'id="row-{same_key.pk}"' not in page
    assert page.count("hx-swap-oob") == 1


def test_changed_order_of_rows_sends_the_whole_list(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    make_key("One")
    client = signed_in(people.viewer)
    shown_digests = shown_digests_of(client.get("/").content.decode())
    make_key("Two")
    page = _poll(client, shown_digests).content.decode()
    assert 'id="live"' in page
    assert "<html" not in page


HERE = "/organisations/alder/"


@pytest.mark.parametrize("number", [1, 6])
def test_page_of_an_organisation_is_sent_only_what_changed(
    number: int, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    keys = [make_key(f"Key {n}") for n in range(number)]
    client = signed_in(people.viewer)
    shown_digests = shown_digests_of(client.get(HERE).content.decode())
    assert _poll(client, shown_digests, HERE).status_code == 204
    SyncStatus.objects.filter(pk=keys[0].pk).update(error_kind="read_timeout")
    answer = _poll(client, shown_digests, HERE)
    page = answer.content.decode()
    part_name = f"row-{keys[0].pk}" if number > 1 else f"key-{keys[0].pk}"
    assert answer["HX-Reswap"] == "none"
    assert re.findall(r'data-part="([^"]+)"', page) == [part_name]
    assert page.count("hx-swap-oob") == 1


def test_browser_that_shows_another_list_is_sent_the_whole_page(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key("One")
    client = signed_in(people.viewer)
    shown_digests = shown_digests_of(client.get(HERE).content.decode())
    make_key("Two")
    page = _poll(client, shown_digests, HERE).content.decode()
    assert page.count('data-part="key-') == 2
    assert 'data-part="frame"' in page


def test_page_of_a_key_is_sent_nothing_twice(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    address = f"{HERE}keys/{make_key().pk}/"
    client = signed_in(people.viewer)
    shown_digests = shown_digests_of(client.get(address).content.decode())
    assert _poll(client, shown_digests, address).status_code == 204
    SyncStatus.objects.update(requested_at=clock.now())
    assert _poll(client, shown_digests, address).status_code == 200


@pytest.mark.parametrize("address", ["/", HERE, "key"])
def test_only_a_pending_part_polls_fast(
    address: str, people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    # On the frame, which a partial update does not replace, fast polling would never end.
    key = make_key(requested_at=clock.now(), checked_at=None)
    address = f"{HERE}keys/{key.pk}/" if address == "key" else address
    page = signed_in(people.viewer).get(address).content.decode()
    frame = page[page.index('id="live"') :].partition(">")[0]
    assert "data-pending" not in frame
    assert page.count("data-pending") == 1


def test_part_that_only_time_changes_is_sent(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    due = hand_clock() + timedelta(minutes=5)
    make_key(next_sync_at=due, next_check_at=due + timedelta(hours=1))
    client = signed_in(people.viewer)
    shown_digests = shown_digests_of(client.get(HERE).content.decode())
    hand_clock.at = due
    assert "due now" in _poll(client, shown_digests, HERE).content.decode()


def test_every_live_update_carries_the_time_of_the_server(
    people: People, signed_in: SignIn, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    client = signed_in(people.viewer)
    page = client.get("/")
    now = str(int(hand_clock.at.timestamp() * 1000))
    assert f'data-now="{now}" data-speed="1"' in page.content.decode()
    assert _poll(client, shown_digests_of(page.content.decode()))["X-Now"] == now
    assert "X-Now" not in page

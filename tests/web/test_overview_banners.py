"""Banners: what concerns all keys is said once, above everything else, under any filter."""

from datetime import timedelta

import pytest

from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of

MISFIT = "The master key does not fit the database"
OUTAGE = "Aitronos cannot be reached"
ADDRESSES = ("/", "/?q=nothing-like-this", "/?state=late&sort=-checked", "/?page=9")


def test_a_silent_worker_is_said_once_above_all(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
) -> None:
    make_key()
    client = signed_in(people.viewer)
    assert "Statuses not refreshed" not in client.get("/").content.decode()
    hand_clock.advance(minutes=11)
    assert "Statuses not refreshed since 11:59" in client.get("/").content.decode()


def test_wrong_master_key_is_one_banner_and_asks_nobody_for_a_key(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    past = hand_clock() - timedelta(minutes=20)
    for label in ("One", "Two"):
        make_key(label, error_kind="master_key_misfit", outcome="failed", unknown_at=past)
    page = signed_in(people.manager).get("/").content.decode()
    assert page.count(MISFIT) == 1
    assert "No key can be opened" in page
    assert "Replace the key" not in page
    assert "was: Up to date" in page


@pytest.mark.parametrize("address", ADDRESSES)
def test_master_key_failure_of_the_worker_is_a_banner_under_any_filter(
    address: str, people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    make_key()
    client = signed_in(people.viewer)
    assert MISFIT not in client.get(address).content.decode()
    WorkerHeartbeat.objects.update(master_key_state="missing")
    page = client.get(address).content.decode()
    assert page.count(MISFIT) == 1
    # A key that is up to date was unsealed: the sentence must not claim that none can be.
    assert "Keys that were sealed with the missing one cannot be opened" in page
    assert "No key can be opened" not in page


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("connection_refused", "no connection to it comes about"),
        ("read_timeout", "it does not answer in time"),
        ("server_error", "it answers with errors of its own"),
        ("firewall", "most likely a firewall, turns us away"),
    ],
)
def test_api_outage_is_one_banner_with_its_reason_under_any_filter(
    address: str, kind: str, reason: str, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    for label in ("One", "Two", "Three"):
        make_key(label, outcome="failed", error_kind=kind)
    make_key("Well")
    page = signed_in(people.viewer).get(address).content.decode()
    assert page.count(OUTAGE) == 1
    assert reason in page
    SyncStatus.objects.filter(key__label="One").update(outcome="good", error_kind="")
    assert OUTAGE not in signed_in(people.viewer).get(address).content.decode()


def test_open_page_receives_a_banner(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    make_key()
    client = signed_in(people.viewer)
    live_headers = {"x-live": "1", "x-seen": shown_digests_of(client.get("/").content.decode())}
    assert client.get("/", headers=live_headers).status_code == 204
    WorkerHeartbeat.objects.update(master_key_state="canary_failed")
    assert MISFIT in client.get("/", headers=live_headers).content.decode()

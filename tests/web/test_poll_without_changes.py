"""What is no change, what the clock alone changes, and what a version is worth."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.people import (
    profile_update,
)
from freddy_admin.alerts.silences.services import incident_mute
from freddy_admin.core import clock
from freddy_admin.core.models import ViewChange
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.operations.services import sync_operation_create
from tests.sync.conftest import failed_result, lease_key
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.polling_browser import PollingBrowser
from tests.web.polling_scene import Scene, scene_create

# PostgreSQL numbers changes by their transaction: a test that is one would be one change.
pytestmark = pytest.mark.django_db(transaction=connection.vendor == "postgresql")


@pytest.fixture
def scene(
    people: People,
    make_key: MakeKey,
    other_organisation: Organisation,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
) -> Scene:
    return scene_create(people, make_key, other_organisation, hand_clock)


# --- Checks that change nothing -----------------------------------------------
def test_checks_alone_are_told_once_a_minute_in_one_small_answer(
    scene: Scene, signed_in: SignIn
) -> None:
    for _ in range(3):
        scene.good(scene.key)
    figures = SyncStatus.objects.get(pk=scene.key.pk)
    times = {"last_sync_at": figures.last_sync_at, "next_sync_at": figures.next_sync_at}
    scene.hand_clock.advance(minutes=2)
    scene.heartbeat()
    browser = PollingBrowser(signed_in(scene.people.admin))
    for _ in range(5):
        scene.hand_clock.advance(seconds=11)
        scene.heartbeat()
        scene.good(scene.key, **times)
        answer = browser.poll()
        assert (answer.status_code, answer.content) == (204, b"")
        assert "X-Version" not in answer.headers
    scene.hand_clock.advance(seconds=11)
    answer = browser.poll()
    page = browser.take(answer)
    assert len(answer.content) < 2_500
    assert f'id="checked-{scene.key.pk}"' in page
    assert f'id="checked-{scene.other_key.pk}"' not in page  # nobody checked it
    assert browser.changed_parts(answer) == set()
    scene.hand_clock.advance(seconds=11)
    scene.good(scene.key, **times)
    assert browser.poll().status_code == 204


def test_a_change_within_the_minute_does_not_put_off_the_checks(
    scene: Scene, signed_in: SignIn
) -> None:
    browser = PollingBrowser(signed_in(scene.people.viewer))
    scene.hand_clock.advance(seconds=40)
    scene.check(scene.key, failed_result(scene.key))
    first = browser.take(browser.poll())
    assert f'id="row-{scene.key.pk}"' in first
    scene.hand_clock.advance(seconds=21)
    assert 'id="last-check"' in browser.take(browser.poll())


def test_a_check_that_changes_nothing_writes_no_change(scene: Scene) -> None:
    for _ in range(3):
        scene.good(scene.key)
    figures = SyncStatus.objects.get(pk=scene.key.pk)
    times = {"last_sync_at": figures.last_sync_at, "next_sync_at": figures.next_sync_at}
    before = ViewChange.objects.count()
    scene.hand_clock.advance(minutes=5)
    with CaptureQueriesContext(connection) as same:
        scene.good(scene.key, **times)
    assert ViewChange.objects.count() == before
    assert not [query for query in same if "viewchange" in query["sql"]]
    with CaptureQueriesContext(connection) as other:
        scene.good(scene.key, **times, enabled_tools=8)
    assert ViewChange.objects.count() > before
    assert not [query for query in other if "viewchange" in query["sql"]]


# --- The clock alone ----------------------------------------------------------
def _muted(scene: Scene) -> None:
    scene.in_organisation(
        incident_mute,
        incident=scene.incident,
        until=clock.now() + timedelta(seconds=30),
        reason="known",
    )


def _queued_long_ago(scene: Scene) -> None:
    scene.in_organisation(sync_operation_create, key_id=scene.key.pk, full=False)
    scene.hand_clock.advance(seconds=1770)
    scene.heartbeat()


CLOCK: dict[str, Callable[[Scene], Any]] = {
    "unknown": lambda s: SyncStatus.objects.filter(pk=s.key.pk).update(
        unknown_at=clock.now() + timedelta(seconds=30)
    ),
    "due": lambda s: s.good(s.key, next_sync_at=clock.now() + timedelta(seconds=30)),
    "last sync no longer ahead": lambda s: s.good(
        s.key, last_sync_at=clock.now() + timedelta(minutes=5, seconds=30)
    ),
    "mute over": _muted,
    "queued sync given up": _queued_long_ago,
    "worker gone": lambda s: s.heartbeat(heartbeat_at=clock.now() - timedelta(seconds=570)),
    "days until expiry": lambda s: [
        s.update(expires_on=date(2026, 3, 20)),
        s.hand_clock.advance(hours=11, minutes=59, seconds=30),
        SyncStatus.objects.update(unknown_at=clock.now() + timedelta(minutes=9)),
        s.heartbeat(),
    ],
    "check given up": lambda s: lease_key(s.key),
}


@pytest.mark.parametrize("threshold", CLOCK)
def test_what_the_clock_alone_changes_is_sent(
    threshold: str, scene: Scene, signed_in: SignIn
) -> None:
    CLOCK[threshold](scene)
    now = clock.now()
    SyncStatus.objects.update(checked_at=now, next_check_at=now + timedelta(minutes=9))
    people = (scene.people.admin, scene.people.viewer)
    browsers = [PollingBrowser(signed_in(person)) for person in people]
    browsers.append(PollingBrowser(signed_in(scene.people.viewer), "/organisations/alder/"))
    sent = []
    for _ in range(8):
        scene.hand_clock.advance(seconds=7)
        sent += [browser.is_sent_what_changed() for browser in browsers]
    assert any(sent), "the clock changes nothing: it proves nothing"


# --- What a version is worth --------------------------------------------------
def test_a_poll_with_nothing_new_reads_who_asks_and_one_row(
    scene: Scene, signed_in: SignIn
) -> None:
    browser = PollingBrowser(signed_in(scene.people.viewer))
    with CaptureQueriesContext(connection) as queries:
        assert browser.poll().status_code == 204
    assert len(queries) == 3
    assert not [query for query in queries if "vault_apikey" in query["sql"]]


def test_a_version_of_another_person_or_view_is_none(scene: Scene, signed_in: SignIn) -> None:
    viewer = PollingBrowser(signed_in(scene.people.viewer))
    admin = PollingBrowser(signed_in(scene.people.admin))
    foreign = PollingBrowser(signed_in(scene.people.viewer), "/?sort=organisation")
    page = PollingBrowser(signed_in(scene.people.viewer), "/organisations/alder/")
    scene.check(scene.key, failed_result(scene.key))
    for browser in (viewer, admin, foreign, page):
        browser.open()
    assert viewer.poll().status_code == 204
    unseen = viewer.seen.replace("head=", "head=0")
    viewer.seen = unseen
    assert viewer.poll().status_code == 204  # its own version: nothing is compared
    for version in (admin.version, foreign.version, page.version):
        assert viewer.poll(version=version).status_code == 200
    assert viewer.poll(address="/?sort=organisation").status_code == 200
    profile_update(
        actor=scene.actor, user=scene.people.viewer, name="V", time_zone="Asia/Tokyo", theme="dark"
    )
    assert viewer.poll().status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "=",
        "%00",
        "A" * 92,
        "A" * 2_000,
        "../../etc",
        "1-1-1",
        "é".encode().decode("latin-1"),
        "9" * 400,
        "{}",
        "' OR 1=1 --",
    ],
)
def test_a_version_that_the_panel_did_not_write_is_none(
    text: str, scene: Scene, signed_in: SignIn
) -> None:
    browser = PollingBrowser(signed_in(scene.people.viewer))
    assert browser.poll(version=text).status_code == 204  # all was compared, and is the same
    assert browser.poll(version=text).headers["X-Version"]
    scene.check(scene.key, failed_result(scene.key))
    assert browser.poll(version=text).status_code == 200


def test_a_version_that_was_tampered_with_is_none(scene: Scene, signed_in: SignIn) -> None:
    browser = PollingBrowser(signed_in(scene.people.viewer))
    browser.seen = browser.seen.replace("head=", "head=0")
    for place in range(0, len(browser.version), 7):
        other = "B" if browser.version[place] == "A" else "A"
        version = browser.version[:place] + other + browser.version[place + 1 :]
        assert browser.poll(version=version).status_code == 200

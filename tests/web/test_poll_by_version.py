"""A poll finds out by its version whether anything changed: it never hides a change."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from freddy_admin.accounts.people import (
    person_set_active,
    person_set_platform_admin,
    profile_update,
)
from freddy_admin.alerts.incidents.services import (
    incident_acknowledge,
    incident_assign,
    incident_unacknowledge,
)
from freddy_admin.alerts.silences.services import incident_mute, incident_unmute
from freddy_admin.core import clock
from freddy_admin.organisations.members import member_remove, member_role_update
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import (
    member_ensure,
    organisation_create,
    organisation_delete,
    organisation_rename,
)
from freddy_admin.sync.checks.requests import check_request
from freddy_admin.sync.key_lifecycle import (
    key_candidate_accept,
    key_monitoring_start,
    key_pause,
    key_resume,
    key_revoke,
)
from freddy_admin.sync.models import ApiHealth, SyncStatus, WorkerHeartbeat
from freddy_admin.sync.operations.services import sync_operation_create
from freddy_admin.sync.platform_status import api_health_record
from freddy_admin.vault.models import ApiKey
from tests.drill_scale import RUN_FULL_DRILLS
from tests.sync.conftest import failed_result, refused_result
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


def _shared_sync(scene: Scene) -> None:
    for key in (scene.key, scene.other_key):
        scene.good(key)
    scene.hand_clock.advance(seconds=5)
    figures = SyncStatus.objects.get(pk=scene.key.pk)
    for _ in range(3):
        for key in (scene.key, scene.other_key):
            scene.good(key, last_sync_at=figures.last_sync_at, next_sync_at=figures.next_sync_at)


WRITERS: dict[str, Callable[[Scene], Any]] = {
    "organisation renamed": lambda s: s.in_organisation(organisation_rename, name="Zelkova"),
    "organisation added": lambda s: organisation_create(actor=s.actor, name="New one"),
    "organisation deleted": lambda s: organisation_delete(organisation=s.other, actor=s.actor),
    "member of another organisation": lambda s: member_ensure(
        organisation=s.other, actor=s.actor, user=s.people.viewer, role=Role.VIEWER
    ),
    "another role": lambda s: s.in_organisation(
        member_role_update, user_id=s.people.viewer.pk, role=Role.MANAGER
    ),
    "no member any more": lambda s: s.in_organisation(member_remove, user_id=s.people.viewer.pk),
    "nobody there who can help": lambda s: s.in_organisation(
        member_role_update, user_id=s.people.operator.pk, role=Role.VIEWER
    ),
    "made an admin": lambda s: person_set_platform_admin(
        actor=s.actor, person_id=s.people.viewer.pk, is_admin=True
    ),
    "helper switched off": lambda s: person_set_active(
        actor=s.actor, person_id=s.people.operator.pk, is_active=False
    ),
    "owner set": lambda s: s.update(owner=s.people.manager),
    "label": lambda s: s.update(label="Renamed"),
    "expiry": lambda s: s.update(expires_on=date(2026, 3, 5)),
    "grace": lambda s: s.update(grace_minutes=1),
    "paused": lambda s: s.in_organisation(key_pause, key=s.key),
    "revoked": lambda s: s.in_organisation(key_revoke, key=s.key),
    "imported": lambda s: key_monitoring_start(
        keys=[ApiKey.objects.create(organisation=s.organisation, label="N", created_at=NOW())]
    ),
    "new secret to decide on": Scene.undecided,
    "other figures": lambda s: s.good(s.key, enabled_tools=8),
    "next sync moved": lambda s: s.good(s.key, next_sync_at=clock.now() + timedelta(hours=9)),
    "inconsistent figures": lambda s: s.good(s.key, enabled_tools=99),
    "failed": lambda s: s.check(s.key, failed_result(s.key)),
    "failed otherwise": lambda s: [
        s.check(s.key, failed_result(s.key, kind)) for kind in ("read_timeout", "server_error")
    ],
    "refused": lambda s: [s.check(s.key, refused_result(s.key)) for _ in range(2)],
    "not permitted": lambda s: [s.check(s.key, refused_result(s.key, 403)) for _ in range(2)],
    "check asked for": lambda s: s.in_organisation(check_request, key_id=s.key.pk),
    "sync asked for": lambda s: s.in_organisation(
        sync_operation_create, key_id=s.key.pk, full=False
    ),
    "acknowledged": lambda s: s.in_organisation(incident_acknowledge, incident=s.incident),
    "assigned": lambda s: s.in_organisation(
        incident_assign, incident=s.incident, assignee=s.people.operator
    ),
    "muted": lambda s: s.in_organisation(
        incident_mute, incident=s.incident, until=NOW() + timedelta(hours=1), reason="known"
    ),
    "master key": lambda s: s.heartbeat(master_key_state="canary_failed"),
    "copy of a panel": lambda s: s.heartbeat(copied_from="https://elsewhere.example"),
    "mail does not go out": lambda s: s.heartbeat(message_fault="mail"),
    "shared sync": _shared_sync,
}
NOW = clock.now


@pytest.mark.drill
@pytest.mark.parametrize("writer", WRITERS)
def test_what_a_service_changes_is_sent_to_every_page_that_shows_it(
    writer: str, scene: Scene, signed_in: SignIn
) -> None:
    admin, viewer, manager = scene.people.admin, scene.people.viewer, scene.people.manager
    overview, organisation = "/", "/organisations/alder/"
    views = [(admin, overview), (viewer, overview), (manager, organisation)]
    if RUN_FULL_DRILLS:
        views += [(viewer, organisation), (manager, overview)]
    browsers = [PollingBrowser(signed_in(person), address) for person, address in views]
    assert [browser.poll().status_code for browser in browsers] == [204] * len(browsers)
    WRITERS[writer](scene)
    sent = [browser.is_sent_what_changed() for browser in browsers]
    assert any(sent), "the change is shown nowhere: it proves nothing"


FOLLOWING: dict[str, tuple[Callable[[Scene], Any], Callable[[Scene], Any]]] = {
    "resumed": (WRITERS["paused"], lambda s: s.in_organisation(key_resume, key=s.key)),
    "owner renamed": (
        WRITERS["owner set"],
        lambda s: profile_update(
            actor=s.actor, user=s.people.manager, name="Somebody", time_zone="UTC", theme="system"
        ),
    ),
    "works again": (WRITERS["refused"], lambda s: s.good(s.key)),
    "unmuted": (
        WRITERS["muted"],
        lambda s: s.in_organisation(incident_unmute, incident=s.incident),
    ),
    "unacknowledged": (
        WRITERS["acknowledged"],
        lambda s: s.in_organisation(incident_unacknowledge, incident=s.incident),
    ),
    "candidate kept": (
        WRITERS["new secret to decide on"],
        lambda s: s.in_organisation(key_candidate_accept, key=s.key, version=2),
    ),
    "asked check ends": (WRITERS["check asked for"], lambda s: s.good(s.key)),
    "first expiry taken away": (WRITERS["expiry"], lambda s: s.update(expires_on=None)),
}


@pytest.mark.parametrize("writer", FOLLOWING)
def test_what_a_service_takes_back_is_sent(writer: str, scene: Scene, signed_in: SignIn) -> None:
    first, second = FOLLOWING[writer]
    first(scene)
    people = (scene.people.admin, scene.people.viewer)
    browsers = [PollingBrowser(signed_in(person)) for person in people]
    second(scene)
    sent = [browser.is_sent_what_changed() for browser in browsers]
    assert any(sent)


def test_a_tag_is_sent_to_the_list_that_is_filtered_by_it(scene: Scene, signed_in: SignIn) -> None:
    scene.update(tags=("blue",))
    browser = PollingBrowser(signed_in(scene.people.viewer), "/?tag=blue")
    assert browser.poll().status_code == 204
    scene.update()
    assert browser.is_sent_what_changed()


def test_what_the_api_says_of_itself_is_sent_in_an_outage(
    scene: Scene, make_key: MakeKey, signed_in: SignIn
) -> None:
    for number in range(4):
        key = make_key(f"Down {number}")
        scene.check(key, failed_result(key, "server_error"))
    client = signed_in(scene.people.viewer)
    assert "Aitronos" in client.get("/").content.decode()
    browser = PollingBrowser(client)
    assert browser.poll().status_code == 204
    api_health_record(
        ApiHealth(environment="default", checked_at=clock.now(), reachable=False, kind="tls")
    )
    assert browser.poll().headers["X-Version"] != browser.version


def test_keys_of_others_say_that_a_key_is_not_refused_alone(
    scene: Scene, make_key: MakeKey, signed_in: SignIn
) -> None:
    own = [make_key(f"Own {number}") for number in range(2)]
    for key in own:
        for _ in range(2):
            scene.check(key, refused_result(key, 403))
    browser = PollingBrowser(signed_in(scene.people.viewer))
    assert browser.poll().status_code == 204
    elsewhere = [make_key(f"Elsewhere {number}", at=scene.other) for number in range(3)]
    for key in elsewhere:
        for _ in range(2):
            scene.check(key, refused_result(key, 403))
    assert browser.is_sent_what_changed()

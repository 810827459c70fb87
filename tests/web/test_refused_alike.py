"""An API that refuses all keys alike, by code and by organisation, and then lets go.

The worker's loop calls the imitation API over HTTP; people look at the pages.
"""

import re

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.api_tokens import api_token_create
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox import api_errors
from freddy_admin.sandbox.api_errors import SandboxApiError
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.key_lifecycle import key_pause, key_resume
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.refused_alike import refused_groups_list
from tests.hand_clock import HandClock
from tests.web.conftest import MakeKey, People, SignIn, columns_by_state
from tests.web.refused_alike_scene import (
    ALIKE,
    AddKeys,
    check_due,
    check_twice,
    due_count,
    states,
    worker_loop,
)

WRONG_HEADER, NO_RIGHT = api_errors.NO_KEY, api_errors.NOT_PERMITTED
NOT_NOW = SandboxApiError(403, "OPERATION_NOT_ALLOWED", "Closed for now.", "Feature is off")
NEW_CODE = SandboxApiError(403, "PLATFORM_KEY_REQUIRED", "A platform key is needed.", "No right")


@pytest.mark.parametrize(
    ("api_error", "state", "reason"),
    [
        (WRONG_HEADER, HealthState.KEY_REJECTED, "Key refused (401)"),
        (api_errors.INVALID_KEY, HealthState.KEY_REJECTED, "Key refused (401)"),
        (NO_RIGHT, HealthState.KEY_NOT_PERMITTED, "(403 INSUFFICIENT_PERMISSIONS)"),
        (NEW_CODE, HealthState.KEY_NOT_PERMITTED, "(403 PLATFORM_KEY_REQUIRED)"),
    ],
)
def test_keys_refused_alike_are_said_once_and_let_go_at_once(
    api_error: SandboxApiError,
    state: HealthState,
    reason: str,
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
) -> None:
    add_keys(5)
    admin, manager = signed_in(people.admin), signed_in(people.manager)
    unlimited_api.state.refuse(api_error)
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
        assert states() == {state}
        for client, headline in ((admin, "1 needs you"), (manager, "5 wait for others")):
            page = client.get("/").content.decode()
            assert page.count(f"Your 5 keys are {ALIKE}") == 1
            assert page.count("Copy details for support") == 1
            assert reason in page
            assert "Try AITRONOS_API_KEY_HEADER: the key is sent as X-API-Key" in page
            assert "Try AITRONOS_API_BASE_URL" in page
            assert "Replace the key" not in page
            assert page.count('<li class="needs-you-card') == 1
            assert headline in page
            assert "5 need you" not in page
            assert ("A platform key is needed." in page) == (api_error is NEW_CODE)
            page = client.get("/organisations/alder/").content.decode()
            assert page.count(f"Your 5 keys are {ALIKE}") == 1
            assert "Make a new key" not in page
            assert "This key alone" not in page
        system = admin.get("/system/").content.decode()
        assert "Everything works" not in system
        assert "5 keys refused in the same way" in system
        assert "Copy details for support" in system
        # The first one that works again takes all the others with it.
        unlimited_api.state.let_go()
        assert not due_count(hand_clock)
        first = SyncStatus.objects.order_by("pk").first()
        assert first is not None
        SyncStatus.objects.filter(pk=first.pk).update(next_check_at=hand_clock())
        check_due(loop, hand_clock)
        assert states() == {HealthState.UP_TO_DATE}
    page = admin.get("/").content.decode()
    assert ALIKE not in page
    assert "5 up to date" in page
    assert "refused in the same way" not in admin.get("/system/").content.decode()


def test_one_organisation_at_aitronos_is_refused_and_the_others_work(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    other_organisation: Organisation,
    signed_in: SignIn,
    hand_clock: HandClock,
) -> None:
    refused_keys, working_keys = add_keys(3), add_keys(7, at=other_organisation)
    organization_id = "org_unknown"
    with worker_loop() as loop:
        check_due(loop, hand_clock)
        organization_id = SyncStatus.objects.get(pk=refused_keys[0].pk).reported_organization_id
        assert organization_id.startswith("org_")
        unlimited_api.state.refuse(NO_RIGHT, organization_id=organization_id)
        hand_clock.advance(minutes=6)
        check_twice(loop, hand_clock)
        for person in (people.admin, people.manager):
            page = signed_in(person).get("/").content.decode()
            assert f"Your 3 keys of {organization_id} at Aitronos are {ALIKE}" in page
            assert "Replace the key" not in page
        assert ALIKE not in signed_in(people.stranger).get("/").content.decode()
        unlimited_api.state.let_go()
        SyncStatus.objects.filter(pk=refused_keys[1].pk).update(next_check_at=hand_clock())
        check_due(loop, hand_clock)
    assert states() == {HealthState.UP_TO_DATE}
    assert SyncStatus.objects.count() == len(refused_keys) + len(working_keys)


def test_own_moves_leave_no_room_for_the_card_of_what_others_do(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    make_key: MakeKey,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
) -> None:
    add_keys(3)
    unlimited_api.state.refuse(NO_RIGHT)
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
    manager = signed_in(people.manager)
    assert manager.get("/").content.decode().count('<li class="needs-you-card') == 1
    overdue = columns_by_state(hand_clock())[HealthState.OVERDUE]
    for number in range(6):
        make_key(str(number), state=HealthState.OVERDUE, **overdue)
    page = manager.get("/").content.decode()
    assert page.count('<li class="needs-you-card') == 6
    assert "3 wait for others" in page


def test_member_who_sees_a_part_is_told_of_the_panel_without_its_numbers(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    other_organisation: Organisation,
    signed_in: SignIn,
    hand_clock: HandClock,
) -> None:
    add_keys(1)
    add_keys(23, at=other_organisation)
    unlimited_api.state.refuse(WRONG_HEADER)
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
    for path in ("/", "/organisations/alder/"):
        page = signed_in(people.manager).get(path).content.decode()
        assert f"At least half of this panel\u2019s keys are {ALIKE}" in page.replace(
            "&#x27;", "\u2019"
        )
        assert "Replace the key" not in page.split("key-card-actions")[0]
        assert not re.search(r"\b2[34] keys", page)
    page = signed_in(people.stranger).get("/").content.decode()
    assert f"Your 23 keys are {ALIKE}" in page
    assert not re.search(r"\b24 keys", page)
    assert f"Your 24 keys are {ALIKE}" in signed_in(people.admin).get("/").content.decode()


def test_codes_that_name_the_key_keep_their_own_sentence_and_button(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
) -> None:
    add_keys(4)
    manager = signed_in(people.manager)
    with worker_loop() as loop:
        for api_error, sentence in (
            (api_errors.EXPIRED_KEY, "The key has expired."),
            (api_errors.PAUSED_KEY, "The key is paused at Aitronos."),
            (api_errors.DEACTIVATED_KEY, "The key was switched off at Aitronos."),
        ):
            unlimited_api.state.refuse(api_error)
            SyncStatus.objects.update(next_check_at=hand_clock())
            check_twice(loop, hand_clock)
            page = manager.get("/").content.decode()
            assert ALIKE not in page
            assert page.count(sentence) == page.count("Replace the key") == 4
            assert "4 need you" in page


def test_unknown_key_is_named_where_others_of_its_organisation_work(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
) -> None:
    working_keys, unknown_keys = add_keys(3), add_keys(3, is_rejected=True)
    manager = signed_in(people.manager)
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
        # Nobody knows yet to which organisation at Aitronos the three belong: half of all keys.
        assert f"Your 3 keys are {ALIKE}" in manager.get("/").content.decode()
        organization_id = SyncStatus.objects.get(pk=working_keys[0].pk).reported_organization_id
        unknown = SyncStatus.objects.filter(key__in=unknown_keys)
        unknown.update(reported_organization_id=organization_id)
        page = manager.get("/").content.decode()
        assert ALIKE not in page
        assert page.count("Replace the key") == 3
        key_page = f"/organisations/alder/keys/{unknown_keys[0].pk}/"
        assert "This key alone: its status" in manager.get(key_page).content.decode()
        unknown.update(reported_organization_id="")
        key_paused = working_keys[0]
        actor = Actor(name="Ana", id=people.manager.pk)
        key_pause(organisation=key_paused.organisation, actor=actor, key=key_paused)
        key_pause(organisation=key_paused.organisation, actor=actor, key=unknown_keys[0])
        # Of five unpaused keys two are refused: too few.
        assert ALIKE not in manager.get("/").content.decode()
        key_resume(organisation=key_paused.organisation, actor=actor, key=unknown_keys[0])
        check_twice(loop, hand_clock)
        assert f"Your 3 keys are {ALIKE}" in manager.get("/").content.decode()


def test_what_is_allowed_to_nobody_is_nobodys_move(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
) -> None:
    add_keys(2)
    unlimited_api.state.refuse(NOT_NOW)
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
    for person in (people.viewer, people.manager, people.admin):
        page = signed_in(person).get("/").content.decode()
        assert "2 wait for others" in page
        assert "need you" not in page
        assert ALIKE not in page
        assert page.count("Aitronos allows this to nobody at present.") == 2


def test_latest_conclusive_check_counts_and_not_a_failure_after_it(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
    settings: LazySettings,
) -> None:
    add_keys(3)
    unlimited_api.state.refuse(NO_RIGHT)
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
    address = settings.AITRONOS_API_BASE_URL
    unlimited_api.stop()
    settings.AITRONOS_API_BASE_URL = "http://127.0.0.1:9"
    SyncStatus.objects.update(next_check_at=hand_clock())
    with worker_loop() as loop:
        check_due(loop, hand_clock)
    settings.AITRONOS_API_BASE_URL = address
    assert set(SyncStatus.objects.values_list("outcome", flat=True)) == {"failed"}
    page = signed_in(people.manager).get("/").content.decode()
    assert f"Your 3 keys are {ALIKE}" in page
    page = signed_in(people.manager).get("/organisations/alder/").content.decode()
    assert page.count("This key has no admin right.") == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("AITRONOS_API_KEY_HEADER", ("api-key",)), ("AITRONOS_API_BASE_URL", "")],
)
def test_changed_header_or_address_makes_refused_keys_due_at_once(
    name: str,
    value: str,
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    hand_clock: HandClock,
    settings: LazySettings,
) -> None:
    add_keys(4)
    options = SandboxOptions(key_headers=("api-key",), rate_limit=None)
    sandbox_clock = SandboxClock(real_time=hand_clock)
    with SandboxServer(clock=sandbox_clock, options=options) as other_api:
        if name == "AITRONOS_API_KEY_HEADER":
            settings.AITRONOS_API_BASE_URL = other_api.base_url
        unlimited_api.state.refuse(WRONG_HEADER)
        with worker_loop() as loop:
            check_twice(loop, hand_clock)
            assert states() == {HealthState.KEY_REJECTED}
            # The same settings change nothing, however often a worker starts.
            with worker_loop() as same:
                same.tick(wait=0)
            assert not due_count(hand_clock)
        unlimited_api.state.let_go()
        if name == "AITRONOS_API_KEY_HEADER":
            settings.AITRONOS_API_KEY_HEADER = value
        else:
            settings.AITRONOS_API_BASE_URL = unlimited_api.base_url.replace(
                "127.0.0.1", "localhost"
            )
        with worker_loop() as loop:
            loop.tick(wait=0)
            check_due(loop, hand_clock)
        assert states() == {HealthState.UP_TO_DATE}


def test_doctor_and_metrics_name_keys_refused_alike(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add_keys(3)
    actor = Actor(name="Ada", id=people.admin.pk)
    secret = api_token_create(actor=actor, user=people.admin, name="Prometheus")
    headers = {"Authorization": f"Bearer {secret}"}
    metrics = signed_in(people.admin).get("/metrics", headers=headers).content.decode()
    assert 'freddy_keys_refused_alike{http_status="401"} 0' in metrics
    unlimited_api.state.refuse(WRONG_HEADER)
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
    metrics = signed_in(people.admin).get("/metrics", headers=headers).content.decode()
    assert 'freddy_keys_refused_alike{http_status="401"} 3' in metrics
    assert 'freddy_keys_refused_alike{http_status="403"} 0' in metrics
    with pytest.raises(CommandError):
        call_command("doctor")
    output = capsys.readouterr().out
    assert f"Your 3 keys are {ALIKE}." in output
    assert "AITRONOS_API_KEY_HEADER" in output


def test_half_of_the_keys_is_counted_once_for_each_group(db: None) -> None:
    """Counted for each refused key it took 8 s with 1,500 of them, and 32 with 3,000."""
    with CaptureQueriesContext(connection) as captured:
        refused_groups_list()
    parts = [part for query in captured for part in query["sql"].split("GROUP BY")[1:]]
    assert len(parts) == 2
    assert all("HAVING" in part and "SELECT" not in part.split("HAVING")[0] for part in parts)

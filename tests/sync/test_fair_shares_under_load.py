"""Whatever one organisation does, the others get their checks, requests and syncs in time.

The attacker's calls all last for as long as a call may, and it asks for another one at once.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.conf import LazySettings
from django.db import connection

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.task_engine import EngineTasks
from freddy_admin.core.tasks import EmbeddedTasks
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import (
    CatalogKind,
    CatalogSnapshot,
    OperationKind,
    RemoteOperation,
    SyncStatus,
)
from freddy_admin.vault.models import ApiKey, CandidateState, ImportDraft, KeyCandidate
from freddy_admin.vault.sealing import api_key_context, sealed_secret_set
from tests.drill_scale import RUN_FULL_DRILLS
from tests.sync.conftest import HandClock, MakeKey, keys_create
from tests.sync.scripted_load import HANGS, Load
from tests.vault.import_draft_data import import_draft_make

CALL_SECONDS = 5  # AITRONOS_TOTAL_TIMEOUT
SYNC_SECONDS = 20  # AITRONOS_SYNC_TIMEOUT
PERIOD_SECONDS = 60
PARALLEL = 8
ROUNDS = 3 if RUN_FULL_DRILLS else 2


@pytest.fixture(autouse=True)
def _spans(settings: LazySettings, long_leases: None) -> None:
    settings.AITRONOS_TOTAL_TIMEOUT = float(CALL_SECONDS)
    settings.AITRONOS_SYNC_TIMEOUT = float(SYNC_SECONDS)
    settings.STATUS_CHECK_SECONDS = float(PERIOD_SECONDS)
    settings.STATUS_FRESH_SECONDS = float(PERIOD_SECONDS)


MakeLoad = Callable[..., Load]


@pytest.fixture(params=[EmbeddedTasks, EngineTasks])
def make_load(
    request: pytest.FixtureRequest, db: None, hand_clock: HandClock
) -> Iterator[MakeLoad]:
    """Workers of each adapter of the task port."""
    if request.param is EngineTasks and connection.vendor != "postgresql":
        pytest.skip("the engine is for PostgreSQL alone: make test-postgres")
    loads: list[Load] = []

    def make(hanging_seconds: float = CALL_SECONDS) -> Load:
        options = {"parallel": PARALLEL, "hanging_seconds": hanging_seconds}
        loads.append(Load(hand_clock, tasks=request.param(), **options))
        return loads[-1]

    yield make
    for load in loads:
        load.stop()


@pytest.fixture
def attacker(organisation: Organisation) -> Organisation:
    return organisation


@pytest.fixture
def victim(db: None, hand_clock: HandClock) -> Organisation:
    return Organisation.objects.create(name="Birch", slug="birch", created_at=hand_clock())


def make_hanging_keys(organisation: Organisation, count: int) -> list[ApiKey]:
    return keys_create([f"{HANGS}{number}" for number in range(count)], at=organisation)


def begin_delay(load: Load, text: str, asked_at: datetime) -> timedelta:
    """How long the first call waited whose secret holds this text."""
    return min(at for at in load.client.begun_at(text) if at >= asked_at) - asked_at


@pytest.mark.drill
def test_scheduled_checks_and_check_now_of_others_come_in_time(
    make_load: MakeLoad, attacker: Organisation, victim: Organisation, hand_clock: HandClock
) -> None:
    """Ten times as many hanging keys as slots, and a script that presses check now on them all."""
    make_hanging_keys(attacker, 10 * PARALLEL)
    labels = [*(f"steady{number}" for number in range(6)), "asked"]
    *victim_keys, asked_key = keys_create(labels, at=victim)
    load, delays = make_load(), list[timedelta]()

    def press_check_now() -> None:
        now = clock.now()
        idle_rows = SyncStatus.objects.filter(
            organisation=attacker, requested_at=None, lease_until=None
        )
        idle_rows.update(requested_at=now, next_check_at=now)

    load.run(10, each=press_check_now)
    for _ in range(ROUNDS):
        asked_at = hand_clock.at
        SyncStatus.objects.filter(pk=asked_key.pk).update(
            requested_at=asked_at, next_check_at=asked_at
        )
        load.run(37, each=press_check_now)
        delays.append(begin_delay(load, "asked", asked_at))
    assert max(delays) <= timedelta(seconds=CALL_SECONDS)
    for key in victim_keys:
        begun_at = load.client.begun_at(f"_{key.label}_")
        gaps = [later - earlier for earlier, later in pairwise(begun_at)]
        assert len(begun_at) >= 2
        assert max(gaps) <= timedelta(seconds=1.25 * PERIOD_SECONDS)
    # The attacker is served too, with all that the others leave.
    assert len(load.client.begun_at(HANGS)) > (4 + 37 * ROUNDS) // CALL_SECONDS * PARALLEL


def test_requests_of_people_leave_the_scheduled_checks_their_slots(
    make_load: MakeLoad, attacker: Organisation
) -> None:
    """Of one organisation alone, which nobody attacks: at least half, whatever is asked for."""
    requested_keys = make_hanging_keys(attacker, 6 * PARALLEL)
    labels = [f"steady{number}" for number in range(PARALLEL)]
    scheduled_keys = keys_create(labels, at=attacker)
    ids = [key.pk for key in requested_keys]
    SyncStatus.objects.filter(pk__in=ids).update(requested_at=clock.now())
    SyncStatus.objects.filter(pk__in=[key.pk for key in scheduled_keys]).update(
        next_check_at=clock.now() + timedelta(seconds=20)
    )
    load = make_load()
    load.run(30)
    for key in scheduled_keys:
        assert load.client.begun_at(f"_{key.label}_")


def test_an_organisation_alone_has_every_slot_but_the_reserve(
    make_load: MakeLoad, attacker: Organisation
) -> None:
    make_hanging_keys(attacker, 4 * PARALLEL)
    load = make_load()
    load.run(1)
    assert load.client.running_count == PARALLEL


def test_ten_times_as_many_keys_of_one_as_slots_due_at_once_let_others_begin_at_once(
    make_load: MakeLoad, make_key: MakeKey, attacker: Organisation, hand_clock: HandClock
) -> None:
    """After a downtime: keys of many organisations, those of the largest due the longest."""
    keys_create([f"large{number}" for number in range(20 * PARALLEL)], at=attacker)
    hand_clock.advance(seconds=1)
    for number in range(12):
        small = Organisation.objects.create(
            name=f"Small {number}", slug=f"small-{number}", created_at=hand_clock()
        )
        make_key(f"small{number}", at=small)
    load, started_at = make_load(), hand_clock.at
    load.run(4)
    small_begun_at = load.client.begun_at("_small")
    assert len(small_begun_at) == 12
    assert max(small_begun_at) - started_at <= timedelta(seconds=3)


def test_sync_of_another_begins_within_one_sync_timeout(
    make_load: MakeLoad, attacker: Organisation, victim: Organisation, hand_clock: HandClock
) -> None:
    """Many slow syncs of one organisation, by several of its people."""
    attacker_keys = make_hanging_keys(attacker, 60)
    victim_keys = keys_create([f"victim{number}" for number in range(3)], at=victim)
    SyncStatus.objects.update(next_check_at=hand_clock.at + timedelta(days=1))
    create_operations(attacker_keys, people=9)
    load = make_load(hanging_seconds=SYNC_SECONDS)
    load.run(3)
    assert load.client.running_count == 14  # of 16
    asked_at = hand_clock.at
    create_operations(victim_keys, people=1)
    load.run(SYNC_SECONDS)
    for key in victim_keys:
        assert begin_delay(load, f"_{key.label}_", asked_at) <= timedelta(seconds=SYNC_SECONDS)


def test_syncs_that_one_person_asks_for_in_many_organisations_hold_up_no_other_person(
    make_load: MakeLoad, make_key: MakeKey, victim: Organisation, hand_clock: HandClock
) -> None:
    for number in range(40):
        place = Organisation.objects.create(
            name=f"Place {number}", slug=f"place-{number}", created_at=hand_clock()
        )
        create_operations([make_key(f"{HANGS}{number}", at=place)], people=1)
    victim_key = make_key("victim", at=victim)
    SyncStatus.objects.update(next_check_at=hand_clock.at + timedelta(days=1))
    load = make_load(hanging_seconds=SYNC_SECONDS)
    load.run(3)
    asked_at = hand_clock.at
    create_operations([victim_key], people=1, first_person=500)
    load.run(2)
    assert begin_delay(load, "_victim_", asked_at) <= timedelta(seconds=1)


def create_operations(keys: list[ApiKey], *, people: int, first_person: int = 1) -> None:
    RemoteOperation.objects.bulk_create(
        RemoteOperation(
            organisation_id=key.organisation_id,
            key=key,
            key_version=key.version,
            kind=OperationKind.SYNC,
            requested_at=clock.now(),
            requested_by="Somebody",
            requested_by_id=first_person + number % people,
        )
        for number, key in enumerate(keys)
    )


def test_pasted_row_of_another_begins_within_one_call(
    make_load: MakeLoad, platform_admin: User, operator: User, hand_clock: HandClock
) -> None:
    rows = [f"Alder,r{number},oak_live_{HANGS}_{number:05}_abcdef," for number in range(120)]
    import_draft_make(platform_admin, *(f"{row}," for row in rows))
    load = make_load()
    load.run(3)
    assert load.client.running_count == 7  # of 8
    asked_at = hand_clock.at
    import_draft_make(platform_admin, "Cedar,victim,oak_live_victim_row_0123456789abcdef,,")
    ImportDraft.objects.filter(rows__label="victim").update(person=operator)
    load.run(CALL_SECONDS)
    assert begin_delay(load, "victim", asked_at) <= timedelta(seconds=CALL_SECONDS)


def test_candidate_of_another_is_tested_within_one_call(
    make_load: MakeLoad,
    make_key: MakeKey,
    attacker: Organisation,
    victim: Organisation,
    hand_clock: HandClock,
) -> None:
    create_candidates(make_hanging_keys(attacker, 40), HANGS)
    load = make_load()
    SyncStatus.objects.update(next_check_at=hand_clock.at + timedelta(days=1))
    load.run(3)
    assert load.client.running_count == 7  # of 8
    asked_at = hand_clock.at
    create_candidates([make_key("victim", at=victim)], "candidate")
    load.run(CALL_SECONDS)
    assert begin_delay(load, "candidate", asked_at) <= timedelta(seconds=CALL_SECONDS)


def create_candidates(keys: list[ApiKey], text: str) -> None:
    for key in keys:
        candidate = KeyCandidate(
            key=key,
            version=2,
            state=CandidateState.PENDING,
            created_at=clock.now(),
            created_by="Ana",
        )
        context = api_key_context(key.organisation_id, key.pk, 2)
        sealed_secret_set(candidate, f"oak_live_{text}_{key.pk}_0123456789abcdef", context=context)
        candidate.save()


def test_catalog_of_another_is_fetched_within_one_call(
    make_load: MakeLoad,
    make_key: MakeKey,
    attacker: Organisation,
    victim: Organisation,
    hand_clock: HandClock,
) -> None:
    create_catalog_requests(make_hanging_keys(attacker, 40))
    SyncStatus.objects.update(next_check_at=hand_clock.at + timedelta(days=1))
    load = make_load()
    load.run(3)
    assert load.client.running_count == 3  # of 4
    asked_at, victim_key = hand_clock.at, make_key("victim", at=victim)
    SyncStatus.objects.update(next_check_at=hand_clock.at + timedelta(days=1))
    create_catalog_requests([victim_key])
    load.run(CALL_SECONDS)
    assert begin_delay(load, "victim", asked_at) <= timedelta(seconds=CALL_SECONDS)


def create_catalog_requests(keys: list[ApiKey]) -> None:
    CatalogSnapshot.objects.bulk_create(
        CatalogSnapshot(
            organisation_id=key.organisation_id,
            key=key,
            key_version=key.version,
            kind=CatalogKind.CONNECTORS,
            refresh_requested_at=clock.now(),
            requested_at=clock.now(),
        )
        for key in keys
    )

"""The worker's loop against the sandbox API over real HTTP."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.key_lifecycle import key_candidate_accept
from freddy_admin.sync.models import ApiHealth, SyncStatus, WorkerHeartbeat
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from tests.flows.wait import wait_until
from tests.sync.conftest import MakeKey, sync_status_of

ANA = Actor(name="Ana", id=1)
HOUR = timedelta(hours=1)


def real_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def worker_loop_for(
    sandbox: SandboxServer, *, read_timeout: float = 1, total_timeout: float = 5
) -> Iterator[WorkerLoop]:
    config = ClientConfig(
        sandbox.base_url, connect_timeout=5, read_timeout=read_timeout, total_timeout=total_timeout
    )
    client = AitronosClient(config, clock=clock.now)
    worker_loop = WorkerLoop(client=client, parallel=8, name="test")
    try:
        yield worker_loop
    finally:
        worker_loop.stop()


def tick_until(worker_loop: WorkerLoop, condition: Callable[[], bool]) -> None:
    """Tick until `condition` holds and no call runs; fails after a minute."""
    assert wait_until(
        lambda: worker_loop.tick(wait=0.05) >= 0 and condition() and not worker_loop.busy,
        seconds=60,
    )


@pytest.fixture
def real_clock(organisation: Organisation) -> Iterator[None]:
    with clock.override_clock(real_now):
        yield


@pytest.mark.usefixtures("real_clock")
def test_due_keys_are_checked_and_each_gets_its_own_state(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    expected = {
        Scenario.HEALTHY: HealthState.UP_TO_DATE,
        Scenario.LATE: HealthState.LATE,
        Scenario.OVERDUE: HealthState.OVERDUE,
        Scenario.NO_SCHEDULE: HealthState.NO_SCHEDULE,
        Scenario.NEVER_SYNCED: HealthState.NEVER_SYNCED,
        Scenario.WAITING: HealthState.WAITING,
        Scenario.ERROR_HTML: HealthState.UNKNOWN,
        Scenario.HANGING: HealthState.UNKNOWN,
        Scenario.FIREWALL: HealthState.UNKNOWN,
        Scenario.IMPOSSIBLE_TIMES: HealthState.UNKNOWN,
    }
    keys = {
        scenario: make_key(scenario.value, secret=sandbox_key(scenario, "Acme"))
        for scenario in expected
    }
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, lambda: not SyncStatus.objects.filter(checked_at=None).exists())
    assert {scenario: sync_status_of(key).state for scenario, key in keys.items()} == expected


@pytest.mark.usefixtures("real_clock")
def test_a_key_is_not_checked_again_before_it_is_due(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    secret = sandbox_key(Scenario.HEALTHY, "Once")
    key = make_key(secret=secret)
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, lambda: sync_status_of(key).checked_at is not None)
        for _ in range(5):
            worker_loop.tick(wait=0)
    assert sandbox.request_counts.by_key[secret] == 1


@pytest.mark.usefixtures("real_clock")
def test_a_new_key_that_works_starts_with_the_figures_of_its_test(
    sandbox: SandboxServer, organisation: Organisation
) -> None:
    secret = sandbox_key(Scenario.HEALTHY, "New")
    key = create_draft_key(organisation, secret)
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, lambda: not KeyCandidate.objects.exists())
        worker_loop.tick(wait=0)
    key.refresh_from_db()
    assert (key.status, sync_status_of(key).state) == (KeyLifecycle.ACTIVE, HealthState.UP_TO_DATE)
    assert sandbox.request_counts.by_key[secret] == 1


@pytest.mark.usefixtures("real_clock")
@pytest.mark.parametrize(
    ("scenario", "state", "kind"),
    [
        (Scenario.REJECTED, CandidateState.REFUSED, "key_refused"),
        (Scenario.NOT_PERMITTED, CandidateState.REFUSED, "key_not_permitted"),
        (Scenario.HANGING, CandidateState.UNTESTED, "read_timeout"),
    ],
)
def test_a_new_key_that_does_not_work_waits_with_the_reason(
    sandbox: SandboxServer,
    organisation: Organisation,
    scenario: Scenario,
    state: CandidateState,
    kind: str,
) -> None:
    key = create_draft_key(organisation, sandbox_key(scenario, "New"))
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, lambda: not KeyCandidate.objects.filter(state="pending").exists())
    candidate = KeyCandidate.objects.get(key=key)
    assert (candidate.state, candidate.result_kind) == (state, kind)
    key.refresh_from_db()
    assert key.status == KeyLifecycle.DRAFT


@pytest.mark.usefixtures("real_clock")
def test_an_untested_key_can_be_accepted_and_a_refused_one_cannot(
    sandbox: SandboxServer, organisation: Organisation
) -> None:
    untested = create_draft_key(organisation, sandbox_key(Scenario.UNAVAILABLE, "Untested"))
    refused = create_draft_key(organisation, sandbox_key(Scenario.EXPIRED, "Refused"))
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, lambda: not KeyCandidate.objects.filter(state="pending").exists())
    version = KeyCandidate.objects.get(key=untested).version
    accepted = key_candidate_accept(
        organisation=organisation, actor=ANA, key=untested, version=version
    )
    assert (accepted.status, sync_status_of(accepted).state) == (
        KeyLifecycle.ACTIVE,
        HealthState.NOT_CHECKED,
    )
    version = KeyCandidate.objects.get(key=refused).version
    with pytest.raises(Conflict):
        key_candidate_accept(organisation=organisation, actor=ANA, key=refused, version=version)


@pytest.mark.usefixtures("real_clock")
def test_a_replaced_key_is_reset_by_the_test_of_its_new_secret(
    sandbox: SandboxServer, organisation: Organisation, make_key: MakeKey
) -> None:
    key = make_key(secret=sandbox_key(Scenario.HEALTHY, "Acme/Old", shared_seed="ll"))
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, lambda: sync_status_of(key).checked_at is not None)
        first_observed_at = sync_status_of(key).first_observed_at
        api_key_replace(
            organisation=organisation,
            actor=ANA,
            key=key,
            secret=sandbox_key(Scenario.OVERDUE, "Acme/New", shared_seed="ll"),
        )
        tick_until(worker_loop, lambda: not KeyCandidate.objects.exists())
    row = sync_status_of(key)
    assert (row.state, row.key.version, row.key_version) == (HealthState.OVERDUE, 2, 2)
    assert first_observed_at is not None
    assert row.first_observed_at is not None
    assert row.first_observed_at > first_observed_at
    assert row.figures_are_former is False


@pytest.mark.usefixtures("real_clock")
def test_the_worker_stores_its_heartbeat_and_the_health_of_the_api(
    sandbox: SandboxServer, key: ApiKey
) -> None:
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, ApiHealth.objects.exists)
    heartbeat = WorkerHeartbeat.objects.get(name="test")
    assert (heartbeat.can_open_keys, heartbeat.master_key_state) == (True, "ok")
    assert ApiHealth.objects.get().reachable is True


@pytest.mark.usefixtures("real_clock")
def test_an_unreachable_api_is_recorded_and_does_not_stop_the_worker(key: ApiKey) -> None:
    config = ClientConfig("http://127.0.0.1:1")
    client = AitronosClient(config, clock=clock.now, sleep=lambda _: None)
    worker_loop = WorkerLoop(client=client, parallel=2, name="test")
    try:
        tick_until(
            worker_loop,
            lambda: ApiHealth.objects.exists() and sync_status_of(key).checked_at is not None,
        )
    finally:
        worker_loop.stop()
    assert ApiHealth.objects.get().kind == "connection_refused"
    assert sync_status_of(key).error_kind == "connection_refused"


@pytest.mark.usefixtures("real_clock")
def test_a_stopping_worker_releases_its_leases(sandbox: SandboxServer, make_key: MakeKey) -> None:
    key = make_key(secret=sandbox_key(Scenario.HANGING, "Acme"))
    # The call must not have ended by itself, however slow the machine is.
    with worker_loop_for(sandbox, read_timeout=60, total_timeout=60) as worker_loop:
        worker_loop.tick(wait=0)
        assert sync_status_of(key).lease_token != ""
    assert sync_status_of(key).lease_token == ""


@pytest.mark.usefixtures("real_clock")
def test_one_damaged_row_makes_that_key_alone_unreadable(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    damaged, sound = make_key("a"), make_key("b", secret=sandbox_key(Scenario.HEALTHY, "Sound"))
    ciphertext = bytearray(ApiKey.objects.get(pk=damaged.pk).ciphertext or b"")
    ciphertext[-1] ^= 1
    ApiKey.objects.filter(pk=damaged.pk).update(ciphertext=bytes(ciphertext))
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, lambda: not SyncStatus.objects.filter(checked_at=None).exists())
    assert sync_status_of(damaged).state == HealthState.KEY_UNREADABLE
    assert sync_status_of(sound).state == HealthState.UP_TO_DATE


def create_draft_key(organisation: Organisation, secret: str) -> ApiKey:
    details = KeyDetails(label="New")
    return api_key_create(organisation=organisation, actor=ANA, details=details, secret=secret)


@pytest.mark.usefixtures("real_clock")
def test_a_draining_worker_stores_results_and_leases_no_key(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    running = make_key("running", secret=sandbox_key(Scenario.HEALTHY, "Running"))
    with worker_loop_for(sandbox) as worker_loop:
        worker_loop.tick(wait=0)
        waiting = make_key("waiting", secret=sandbox_key(Scenario.HEALTHY, "Waiting"))
        while worker_loop.busy:
            worker_loop.drain(wait=0.5)
        assert worker_loop.checks_done == 1
    assert sync_status_of(running).state == HealthState.UP_TO_DATE
    assert sync_status_of(waiting).lease_token == ""


def test_a_key_scheduled_by_a_clock_that_was_set_back_is_checked_within_a_minute(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    elapsed = timedelta(0)
    with clock.override_clock(lambda: real_now() + elapsed):
        key = make_key(secret=sandbox_key(Scenario.HEALTHY, "Clock"))
        with worker_loop_for(sandbox) as worker_loop:
            tick_until(worker_loop, lambda: sync_status_of(key).checked_at is not None)
            first_checked_at, far_ahead = sync_status_of(key).checked_at, clock.now() + 4 * HOUR
            SyncStatus.objects.update(next_check_at=far_ahead)
            worker_loop.tick(wait=0)
            assert sync_status_of(key).next_check_at == far_ahead
            elapsed = timedelta(seconds=60)
            tick_until(worker_loop, lambda: sync_status_of(key).checked_at != first_checked_at)
        assert sync_status_of(key).next_check_at < far_ahead

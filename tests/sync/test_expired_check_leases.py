"""A worker that wakes up after the end of its lease sends nothing and stores nothing."""

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_results_record,
)
from freddy_admin.sync.catalog.fetch_execution import catalog_fetch
from freddy_admin.sync.catalog.fetch_leases import catalog_fetches_claim, catalog_results_save
from freddy_admin.sync.checks.execution import check_perform
from freddy_admin.sync.checks.leases import CheckLease, check_leases_acquire
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.models import CatalogSnapshot
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services.keys import api_key_replace
from tests.sync.conftest import HandClock, MakeKey, sync_status_of
from tests.sync.operation_calls import make_scenario_key, sandbox
from tests.sync.stopped_worker import (
    PausingResolver,
    paused_resolver,
    running_client,
    stopped_client,
)

__all__ = ["paused_resolver", "running_client", "sandbox", "stopped_client"]
ANA = Actor(name="Ana", id=1)
STATUS = "/v1/admin/composio/sync/status"


def _acquire_lease(key: ApiKey) -> CheckLease:
    leases = check_leases_acquire(limit=5, now=clock.now(), policy=check_policy())
    assert [lease.key_id for lease in leases] == [key.pk]
    return leases[0]


def test_a_stopped_worker_checks_no_key_late(
    make_key: MakeKey,
    hand_clock: HandClock,
    stopped_client: AitronosClient,
    running_client: AitronosClient,
    paused_resolver: PausingResolver,
    sandbox: SandboxServer,
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    requests_by_path, lease = sandbox.request_counts.by_path, _acquire_lease(key)
    previous_count = requests_by_path[STATUS]

    def another_worker_checks() -> None:
        hand_clock.advance(minutes=5)
        assert len(check_results_record([check_perform(running_client, _acquire_lease(key))])) == 1

    paused_resolver.during_pause = another_worker_checks
    late_result = check_perform(stopped_client, lease)
    stored = sync_status_of(key)
    assert check_results_record([late_result]) == []
    assert requests_by_path[STATUS] - previous_count == 1
    assert (sync_status_of(key).checked_at, sync_status_of(key).outcome) == (
        stored.checked_at,
        "good",
    )


def test_a_key_whose_lease_ran_out_stays_due(
    make_key: MakeKey,
    hand_clock: HandClock,
    stopped_client: AitronosClient,
    paused_resolver: PausingResolver,
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    lease = _acquire_lease(key)
    paused_resolver.during_pause = lambda: hand_clock.advance(minutes=5)
    assert check_results_record([check_perform(stopped_client, lease)]) == []
    row = sync_status_of(key)
    assert (row.checked_at, row.failures, row.lease_token, row.error_kind) == (None, 0, "", "")
    assert _acquire_lease(key).key_id == key.pk


def test_a_stopped_worker_fetches_no_catalog_late(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    stopped_client: AitronosClient,
    paused_resolver: PausingResolver,
    sandbox: SandboxServer,
) -> None:
    key, before = make_scenario_key(make_key, Scenario.HEALTHY), sandbox.request_counts.total
    CatalogSnapshot.objects.create(
        organisation=organisation,
        key=key,
        kind="connectors",
        key_version=key.version,
        refresh_requested_at=clock.now(),
    )
    (claim,) = catalog_fetches_claim(limit=5, now=clock.now())
    paused_resolver.during_pause = lambda: hand_clock.advance(hours=1)
    assert catalog_results_save([catalog_fetch(stopped_client, claim)]) == []
    row = CatalogSnapshot.objects.get()
    assert (row.lease_token, row.error_kind, row.checked_at) == ("", "", None)
    assert (row.refresh_requested_at, sandbox.request_counts.total) == (
        claim.refresh_requested_at,
        before,
    )


def test_a_stopped_worker_tests_no_candidate_late_and_its_old_result_is_thrown_away(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    stopped_client: AitronosClient,
    running_client: AitronosClient,
    paused_resolver: PausingResolver,
    sandbox: SandboxServer,
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    api_key_replace(
        organisation=organisation,
        actor=ANA,
        key=key,
        secret=sandbox_key(Scenario.REJECTED, "New"),
    )
    (lease,) = candidate_leases_acquire(limit=5)
    before = sandbox.request_counts.total
    paused_resolver.during_pause = lambda: hand_clock.advance(minutes=5)
    candidate_results_record([check_perform(stopped_client, lease)])
    assert sandbox.request_counts.total == before
    (second_lease,) = candidate_leases_acquire(limit=5)
    early_result = check_perform(running_client, second_lease)
    hand_clock.advance(minutes=5)
    (third_lease,) = candidate_leases_acquire(limit=5)
    assert candidate_results_record([early_result]) == []
    assert KeyCandidate.objects.get().state == CandidateState.PENDING
    candidate_results_record([check_perform(running_client, third_lease)])
    assert KeyCandidate.objects.get().state == CandidateState.REFUSED

"""A worker that is stopped and wakes up after the end of its lease sends no operation."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock, leases
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.operations.remote_call import operation_send
from freddy_admin.sync.operations.results import lost_operations_close, operation_results_save
from freddy_admin.sync.worker.loop import WorkerLoop
from tests.concurrency import run_in_thread, shared_database
from tests.flows.wait import wait_until
from tests.sync.conftest import HandClock, MakeKey, sync_status_of
from tests.sync.operation_calls import (
    claim_operations,
    count_sync_requests,
    make_scenario_key,
    sandbox,
    send_operation,
)
from tests.sync.stopped_worker import (
    PausingResolver,
    paused_resolver,
    running_client,
    stopped_client,
)
from tests.sync.test_operation_requests import request_switch, request_sync

__all__ = ["paused_resolver", "running_client", "sandbox", "shared_database", "stopped_client"]
ANA = Actor(name="Ana", id=1)


@pytest.fixture
def pause_worker(
    request: pytest.FixtureRequest, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """The lease of the stopped worker ends: by one clock alone, or by another worker."""

    def advance_boot_clock() -> None:
        boot_seconds = leases.seconds_since_boot() + 600
        monkeypatch.setattr(leases, "seconds_since_boot", lambda: boot_seconds)

    def advance_database_clock() -> None:
        now = Now() + timedelta(minutes=10)
        monkeypatch.setattr(leases, "Now", lambda: ExpressionWrapper(now, DateTimeField()))

    def close_operation() -> None:
        RemoteOperation.objects.update(state=OperationState.UNCLEAR)

    def take_lease_over() -> None:
        RemoteOperation.objects.update(lease_token="another")

    def lose_database() -> None:
        error = OperationalError("server closed the connection")
        monkeypatch.setattr(leases, "Now", _raising(error))

    pauses: dict[str, Callable[[], object]] = {
        "wall": lambda: hand_clock.advance(minutes=10),
        "boot": advance_boot_clock,
        "database": advance_database_clock,
        "given up": close_operation,
        "taken over": take_lease_over,
        "database away": lose_database,
    }
    pause = pauses[request.param]
    return lambda: (pause(), None)[1]


def _raising(error: Exception) -> Callable[[], object]:
    def raise_error() -> object:
        raise error

    return raise_error


PAUSES = ["wall", "boot", "database", "given up", "taken over", "database away"]


@pytest.mark.parametrize("pause_worker", PAUSES, indirect=True)
def test_a_stopped_worker_does_not_start_a_sync_late(
    pause_worker: Callable[[], None],
    make_key: MakeKey,
    organisation: Organisation,
    stopped_client: AitronosClient,
    paused_resolver: PausingResolver,
    sandbox: SandboxServer,
) -> None:
    key, count_before = make_scenario_key(make_key, Scenario.HEALTHY), count_sync_requests(sandbox)
    request_sync(key, organisation)
    (claim,) = claim_operations()
    paused_resolver.during_pause = pause_worker
    result = operation_send(stopped_client, claim)
    assert count_sync_requests(sandbox) == count_before
    assert (result.state, result.failure and result.failure.kind) == (
        OperationState.REFUSED,
        "withheld",
    )


def test_a_sync_that_is_requested_anew_is_the_only_one_that_is_sent(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    stopped_client: AitronosClient,
    running_client: AitronosClient,
    paused_resolver: PausingResolver,
    sandbox: SandboxServer,
) -> None:
    key, count_before = make_scenario_key(make_key, Scenario.HEALTHY), count_sync_requests(sandbox)
    request_sync(key, organisation)
    (claim,) = claim_operations()

    def run_another_worker() -> None:
        hand_clock.advance(minutes=5)
        assert lost_operations_close(now=clock.now()) == 1
        assert RemoteOperation.objects.get().state == OperationState.UNCLEAR
        request_sync(key, organisation)
        assert send_operation(running_client).state == OperationState.DONE

    paused_resolver.during_pause = run_another_worker
    result = operation_send(stopped_client, claim)
    assert count_sync_requests(sandbox) - count_before == 1
    operation_results_save([result])
    first, second = RemoteOperation.objects.order_by("pk")
    # By now it is certain that the first one was not started.
    assert (first.state, first.error_kind) == (OperationState.REFUSED, "withheld")
    assert second.state == OperationState.DONE
    assert sync_status_of(key).operation_state == OperationState.DONE


def test_a_stopped_worker_switches_no_connector_late(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    stopped_client: AitronosClient,
    paused_resolver: PausingResolver,
    sandbox: SandboxServer,
) -> None:
    key, count_before = make_scenario_key(make_key, Scenario.HEALTHY), sandbox.request_counts.total
    request_switch(key, organisation, "gmail")
    (claim,) = claim_operations()
    paused_resolver.during_pause = lambda: hand_clock.advance(minutes=5)
    assert operation_results_save([operation_send(stopped_client, claim)]) == [claim.row_id]
    assert sandbox.request_counts.total == count_before
    operation = RemoteOperation.objects.get()
    assert (operation.state, operation.error_kind) == (OperationState.REFUSED, "withheld")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shared_database")
def test_the_worker_loop_sends_a_queued_sync_from_its_own_thread(
    make_key: MakeKey,
    organisation: Organisation,
    running_client: AitronosClient,
    sandbox: SandboxServer,
) -> None:
    count_before = count_sync_requests(sandbox)

    def send_queued_sync() -> RemoteOperation:
        elm = Organisation.objects.create(name="Elm", slug="elm", created_at=clock.now())
        request_sync(make_key(secret=sandbox_key(Scenario.HEALTHY, "Elm"), at=elm), elm)
        worker_loop = WorkerLoop(client=running_client)
        try:
            assert wait_until(
                lambda: worker_loop.tick(wait=0.05) >= 0 and _are_operations_finished(), seconds=60
            )
        finally:
            worker_loop.stop()
        return RemoteOperation.objects.get()

    operation = run_in_thread(send_queued_sync)
    assert (operation.state, operation.error_kind) == (OperationState.DONE, "")
    assert count_sync_requests(sandbox) - count_before == 1


def _are_operations_finished() -> bool:
    return not RemoteOperation.objects.filter(finished_at=None).exists()

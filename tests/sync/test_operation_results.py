"""Results of operations: saved once, watched, confirmed by the sync that is seen."""

from datetime import timedelta

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario
from freddy_admin.sync.models import HistoryEvent, OperationState, RemoteOperation, SyncStatus
from freddy_admin.sync.operations.remote_call import operation_send
from freddy_admin.sync.operations.results import (
    lost_operations_close,
    operation_claims_abandon,
    operation_results_save,
    queued_operations_expire,
)
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import (
    NOON,
    HandClock,
    MakeKey,
    good_result,
    make_figures,
    sync_status_of,
)
from tests.sync.operation_calls import (
    claim_operations,
    client,
    make_scenario_key,
    sandbox,
    send_operation,
)
from tests.sync.test_check_recording import store
from tests.sync.test_operation_requests import request_sync

__all__ = ["client", "sandbox"]
ANA = Actor("Ana")


def test_a_dead_workers_sync_is_unclear_and_not_sent_again(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    request_sync(key, organisation)
    (claim,) = claim_operations()
    assert (claim_operations(), lost_operations_close(now=clock.now())) == ([], 0)
    hand_clock.advance(minutes=5)
    assert lost_operations_close(now=clock.now()) == 1
    operation = RemoteOperation.objects.get(pk=claim.row_id)
    assert (operation.state, operation.error_kind) == (OperationState.UNCLEAR, "worker_lost")
    assert claim_operations() == []
    assert sync_status_of(key).operation_state == "unclear"


def test_a_sync_that_no_worker_claims_expires_after_half_an_hour(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    request_sync(key, organisation)
    hand_clock.advance(minutes=31)
    assert claim_operations() == []
    assert (
        queued_operations_expire(now=clock.now()),
        queued_operations_expire(now=clock.now()),
    ) == (1, 0)
    operation = RemoteOperation.objects.get()
    assert (operation.state, operation.error_kind) == (OperationState.REFUSED, "not_taken")
    assert sync_status_of(key).operation_state == ""


def test_an_expired_sync_does_not_block_the_next_one(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    request_sync(key, organisation)
    hand_clock.advance(minutes=31)
    request_sync(key, organisation)
    states = RemoteOperation.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [OperationState.REFUSED, OperationState.QUEUED]


def test_a_late_result_replaces_worker_lost(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient, hand_clock: HandClock
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    request_sync(key, organisation)
    (claim,) = claim_operations()
    result = operation_send(client, claim)
    hand_clock.advance(minutes=5)
    lost_operations_close(now=clock.now())
    assert operation_results_save([result]) == [claim.row_id]
    assert RemoteOperation.objects.get(pk=claim.row_id).state == OperationState.DONE
    assert operation_results_save([result]) == []


def test_abandoned_operations_are_unclear(key: ApiKey, organisation: Organisation) -> None:
    request_sync(key, organisation)
    operation_claims_abandon(claim_operations(), now=clock.now())
    assert RemoteOperation.objects.get().state == OperationState.UNCLEAR


def test_the_key_shows_no_sync_once_the_last_sync_is_after_the_request(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient, hand_clock: HandClock
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    last_sync_at, next_sync_at = NOON - timedelta(hours=3), NOON + timedelta(hours=1)
    store(key, good_result(key, make_figures(last_sync_at, next_sync_at)))
    hand_clock.advance(minutes=2, milliseconds=700)
    request_sync(key, organisation)
    send_operation(client)
    hand_clock.advance(minutes=1)
    row = store(key, good_result(key, make_figures(last_sync_at, next_sync_at)))
    assert (row.operation_state, row.operation_requested_by) == ("done", "Ana")
    assert row.next_check_at == clock.now() + timedelta(seconds=60)
    # Aitronos names whole seconds: the request's own second counts.
    synced_at = NOON + timedelta(minutes=2)
    row = store(key, good_result(key, make_figures(synced_at, next_sync_at)))
    assert (row.operation_state, row.operation_requested_at, row.operation_requested_by) == (
        "",
        None,
        "",
    )
    assert RemoteOperation.objects.get().confirmed_sync_at == synced_at
    event = HistoryEvent.objects.get(kind="sync_seen")
    assert (event.at, event.actor_name) == (synced_at, "Ana")


def test_a_sync_seen_before_its_result_is_confirmed_with_the_result(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient, hand_clock: HandClock
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    store(key, good_result(key))
    hand_clock.advance(minutes=1)
    request_sync(key, organisation)
    (claim,) = claim_operations()
    result = operation_send(client, claim)
    hand_clock.advance(seconds=30)
    synced_at = NOON + timedelta(seconds=80)
    row = store(key, good_result(key, make_figures(synced_at, NOON + timedelta(hours=4))))
    assert (row.operation_requested_at, row.operation_requested_by) == (
        NOON + timedelta(minutes=1),
        "Ana",
    )
    operation_results_save([result])
    assert sync_status_of(key).operation_state == ""
    assert RemoteOperation.objects.get().confirmed_sync_at == synced_at


def test_a_scheduled_sync_before_the_request_was_sent_does_not_confirm_it(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient, hand_clock: HandClock
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    store(key, good_result(key))
    request_sync(key, organisation)
    hand_clock.advance(minutes=10)
    scheduled_figures = make_figures(NOON + timedelta(minutes=5), NOON + timedelta(hours=4))
    store(key, good_result(key, scheduled_figures))
    assert HistoryEvent.objects.get(kind="sync_seen").actor_name == ""
    send_operation(client)
    row = store(key, good_result(key, scheduled_figures))
    assert (row.operation_state, row.operation_requested_by) == ("done", "Ana")
    assert RemoteOperation.objects.get().confirmed_sync_at is None
    synced_at = hand_clock.advance(minutes=1)
    store(key, good_result(key, make_figures(synced_at, NOON + timedelta(hours=4))))
    assert RemoteOperation.objects.get().confirmed_sync_at == synced_at
    assert HistoryEvent.objects.get(kind="sync_seen", at=synced_at).actor_name == "Ana"


def test_the_key_shows_that_its_sync_is_being_sent(key: ApiKey, organisation: Organisation) -> None:
    request_sync(key, organisation)
    claim_operations()
    assert sync_status_of(key).operation_state == "sending"


def test_a_sync_is_closed_after_the_clock_is_set_back(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    request_sync(key, organisation)
    claim_operations()
    hand_clock.advance(days=-1)
    assert lost_operations_close(now=clock.now()) == 1
    assert sync_status_of(key).operation_state == "unclear"


def test_a_revoked_keys_operation_still_gets_its_result(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    request_sync(key, organisation)
    (claim,) = claim_operations()
    SyncStatus.objects.filter(pk=key.pk).delete()
    result = operation_send(client, claim)
    assert operation_results_save([result]) == [claim.row_id]

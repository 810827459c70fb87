"""The remote call of an operation: sent once at most, and the state that follows from it."""

import pytest
from django.conf import LazySettings

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import AitronosError, FailureKind
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.key_lifecycle import key_pause
from freddy_admin.sync.models import (
    CatalogSnapshot,
    HistoryEvent,
    OperationKind,
    OperationState,
    RemoteOperation,
)
from freddy_admin.sync.operations.remote_call import (
    operation_send,
    operation_state_after_error,
    operations_claim,
)
from freddy_admin.sync.operations.results import operation_results_save
from freddy_admin.vault.models import ApiKey
from tests.flows.wait import wait_until
from tests.sync.catalog_results import OneEnvironment
from tests.sync.conftest import NOON, MakeKey, sync_status_of
from tests.sync.operation_calls import (
    claim_operations,
    client,
    count_sync_requests,
    make_scenario_key,
    sandbox,
    send_operation,
)
from tests.sync.test_operation_requests import request_switch, request_sync

__all__ = ["client", "sandbox"]
ANA = Actor("Ana")


def test_a_sync_is_sent_and_its_result_is_saved(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    request_sync(key, organisation, full=True)
    operation = send_operation(client)
    assert operation.state == OperationState.DONE
    assert operation.result["mode"] == "full"
    assert operation.result["synced"] == operation.result["updated"] > 0
    assert operation.request_id.startswith("req_")
    row = sync_status_of(key)
    assert (row.operation_state, row.next_check_at) == ("done", NOON)
    event = HistoryEvent.objects.filter(kind="person_did").order_by("pk").last()
    assert event is not None
    assert (event.actor_name, event.details["what"], event.details["outcome"]) == (
        "Ana",
        "sync_ended",
        "done",
    )
    assert AuditEvent.objects.filter(tag="sync_ended").count() == 1


@pytest.mark.parametrize(
    ("scenario", "state"),
    [
        (Scenario.SYNC_REFUSED, OperationState.REFUSED),
        (Scenario.SYNC_FAILS, OperationState.UNCLEAR),
        (Scenario.SYNC_VANISHES, OperationState.UNCLEAR),
        (Scenario.REJECTED, OperationState.REFUSED),
        (Scenario.NOT_PERMITTED, OperationState.REFUSED),
        (Scenario.FIREWALL, OperationState.REFUSED),
        (Scenario.RATE_LIMITED, OperationState.REFUSED),
        (Scenario.UNAVAILABLE, OperationState.UNCLEAR),
        (Scenario.REDIRECT, OperationState.REFUSED),
        (Scenario.WRONG_TYPES, OperationState.UNCLEAR),
    ],
)
def test_a_sync_is_sent_once_whatever_the_response(
    scenario: Scenario,
    state: OperationState,
    make_key: MakeKey,
    organisation: Organisation,
    client: AitronosClient,
    sandbox: SandboxServer,
) -> None:
    key, count_before = make_scenario_key(make_key, scenario), count_sync_requests(sandbox)
    request_sync(key, organisation)
    operation = send_operation(client)
    assert (operation.state, count_sync_requests(sandbox) - count_before) == (state, 1)
    assert claim_operations() == []
    operation_state = "" if state == OperationState.REFUSED else state
    assert sync_status_of(key).operation_state == operation_state


def test_a_sync_is_refused_where_nothing_listens(key: ApiKey, organisation: Organisation) -> None:
    request_sync(key, organisation)
    unreachable_client = AitronosClient(ClientConfig("http://127.0.0.1:9"), clock=clock.now)
    operation = send_operation(unreachable_client)
    assert (operation.state, operation.error_kind) == (OperationState.REFUSED, "connection_refused")


def test_a_sync_is_unclear_after_a_read_timeout(
    make_key: MakeKey,
    organisation: Organisation,
    client: AitronosClient,
    sandbox: SandboxServer,
    settings: LazySettings,
) -> None:
    settings.AITRONOS_SYNC_TIMEOUT = 0.2
    key, count_before = make_scenario_key(make_key, Scenario.HANGING), count_sync_requests(sandbox)
    request_sync(key, organisation)
    operation = send_operation(client)
    assert (operation.state, operation.error_kind) == (OperationState.UNCLEAR, "read_timeout")
    assert wait_until(lambda: count_sync_requests(sandbox) - count_before == 1)


def test_a_key_paused_before_the_claim_sends_nothing(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    request_sync(key, organisation)
    key_pause(organisation=organisation, actor=ANA, key=key)
    operation = send_operation(client)
    assert (operation.state, operation.error_kind) == (OperationState.REFUSED, "key_changed")


def test_a_damaged_key_sends_nothing(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    ciphertext = bytearray(bytes(key.ciphertext or b""))
    ciphertext[-1] ^= 1
    ApiKey.objects.filter(pk=key.pk).update(ciphertext=bytes(ciphertext))
    request_sync(key, organisation)
    operation = send_operation(client)
    assert (operation.state, operation.error_kind) == (OperationState.REFUSED, "key_unreadable")


def test_a_sync_is_refused_without_its_master_key(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    ApiKey.objects.filter(pk=key.pk).update(master_key_id="0000000000000000")
    request_sync(key, organisation)
    assert send_operation(client).state == OperationState.REFUSED


def test_a_switch_is_sent_and_its_catalog_refresh_requested(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    key = make_scenario_key(make_key, Scenario.HEALTHY)
    CatalogSnapshot.objects.create(
        organisation=organisation, key=key, kind="connectors", key_version=key.version
    )
    page = client.list_connectors(secret=sandbox_key(Scenario.HEALTHY, f"Order {Scenario.HEALTHY}"))
    tool_key = page.value.connectors[0].tool_key
    request_switch(key, organisation, tool_key)
    operation = send_operation(client)
    assert (operation.state, operation.kind) == (OperationState.DONE, OperationKind.SWITCH)
    assert CatalogSnapshot.objects.get().refresh_requested_at == NOON
    page_after = client.list_connectors(
        secret=sandbox_key(Scenario.HEALTHY, f"Order {Scenario.HEALTHY}")
    )
    assert tool_key not in {connector.tool_key for connector in page_after.value.connectors}
    event = HistoryEvent.objects.filter(kind="person_did").order_by("pk").last()
    assert event is not None
    assert event.details["what"] == "switch_ended"
    assert event.details["enable"] is False


def test_a_switch_of_an_unknown_connector_is_refused(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    request_switch(make_scenario_key(make_key, Scenario.HEALTHY), organisation, "no/such?tool")
    operation = send_operation(client)
    assert (operation.state, operation.error_http_status) == (OperationState.REFUSED, 404)


def test_a_switch_with_an_unreadable_response_is_unclear() -> None:
    error = AitronosError(FailureKind.UNREADABLE_ANSWER, http_status=200)
    assert operation_state_after_error(error, kind=OperationKind.SWITCH) == OperationState.UNCLEAR


@pytest.mark.parametrize(
    ("field", "state"),
    [
        ("tools_synced", OperationState.DONE),
        ("message", OperationState.DONE),
        ("job_id", OperationState.UNCLEAR),
        ("status", OperationState.UNCLEAR),
        ("Content-Type", OperationState.UNCLEAR),
        ("body", OperationState.UNCLEAR),
        ("headers", OperationState.UNCLEAR),
    ],
)
def test_a_sync_is_done_only_where_its_response_names_its_job(
    field: str, state: OperationState
) -> None:
    error = AitronosError(FailureKind.UNREADABLE_ANSWER, http_status=200, field=field)
    assert operation_state_after_error(error, kind=OperationKind.SYNC) == state


def test_a_sync_is_unclear_after_an_unforeseen_error(
    key: ApiKey, organisation: Organisation
) -> None:
    class BrokenClient(OneEnvironment):
        def start_sync(self, **_: object) -> None:
            raise RuntimeError("unforeseen")

    request_sync(key, organisation)
    (claim,) = claim_operations()
    result = operation_send(BrokenClient(), claim)  # type: ignore[arg-type]
    assert (result.state, result.failure and result.failure.kind) == (
        OperationState.UNCLEAR,
        "internal",
    )


def test_an_operation_claim_and_its_result_hold_no_secret(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    secret = sandbox_key(Scenario.SYNC_FAILS, "Planted")
    request_sync(make_key(secret=secret), organisation)
    (claim,) = claim_operations()
    result = operation_send(client, claim)
    operation_results_save([result])
    representations = repr(claim) + repr(result) + repr(RemoteOperation.objects.values().get())
    assert secret not in representations
    assert claim.ciphertext is not None
    assert repr(claim.ciphertext) not in representations


def test_nothing_is_taken_without_room(key: ApiKey, organisation: Organisation) -> None:
    request_sync(key, organisation)
    assert operations_claim(limit=0, now=clock.now()) == []

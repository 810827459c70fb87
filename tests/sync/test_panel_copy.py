"""A copy of a panel looks and does nothing: what waits in it is the panel's to do."""

from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import Conflict
from freddy_admin.core.panel_address import panel_address_record
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.api_client import api_client
from freddy_admin.sync.checks.requests import check_request
from freddy_admin.sync.models import (
    ApiHealth,
    OperationState,
    RemoteOperation,
    SyncStatus,
    WorkerHeartbeat,
)
from freddy_admin.sync.operations.services import switch_operation_create, sync_operation_create
from freddy_admin.sync.panel_copy import panel_confirm
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.models import ApiKey
from tests.flows.wait import wait_until
from tests.sync.conftest import MakeKey
from tests.sync.operation_calls import claim_operations, client, sandbox, send_operation

__all__ = ["client", "sandbox"]
ANA = Actor("Ana", id=7, address="127.0.0.1")
PANEL, TRIAL = "https://panel.example.org", "https://trial.example.org"


def request_sync(key: ApiKey, organisation: Organisation) -> RemoteOperation:
    return sync_operation_create(organisation=organisation, actor=ANA, key_id=key.pk, full=False)


def run_worker(client: AitronosClient) -> None:
    """Let a worker do all that is due."""
    worker_loop = WorkerLoop(client=client, parallel=2, name="worker")
    try:
        worker_loop.tick(wait=0.0)
        assert wait_until(lambda: worker_loop.drain(wait=0.05) >= 0 and not worker_loop.busy)
    finally:
        worker_loop.stop()


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key(secret=sandbox_key(Scenario.HEALTHY, "Copied"))


@pytest.fixture
def copied_operation(settings: Any, key: ApiKey, organisation: Organisation) -> RemoteOperation:
    """A sync that waited in the panel when its database was copied."""
    settings.PANEL_URL = PANEL
    panel_address_record()
    operation = request_sync(key, organisation)
    settings.PANEL_URL = TRIAL
    return operation


def test_the_worker_of_a_copy_checks_keys_and_starts_no_sync(
    client: AitronosClient, copied_operation: RemoteOperation, key: ApiKey
) -> None:
    run_worker(client)
    copied_operation.refresh_from_db()
    assert copied_operation.state == OperationState.QUEUED
    assert SyncStatus.objects.get(pk=key.pk).checked_at is not None
    assert WorkerHeartbeat.objects.get().copied_from == PANEL


def test_nobody_starts_or_switches_anything_in_a_copy(
    copied_operation: RemoteOperation, key: ApiKey, organisation: Organisation
) -> None:
    copied_operation.delete()
    with pytest.raises(Conflict, match="may be a copy"):
        request_sync(key, organisation)
    with pytest.raises(Conflict, match="may be a copy"):
        switch_operation_create(
            organisation=organisation,
            actor=ANA,
            key_id=key.pk,
            tool_key="github",
            tool_name="GitHub",
            enable=True,
        )
    assert not RemoteOperation.objects.exists()


def test_what_waited_goes_out_once_somebody_says_that_this_is_the_panel(
    client: AitronosClient, copied_operation: RemoteOperation
) -> None:
    assert claim_operations() == []
    panel_confirm(actor=ANA)
    assert send_operation(client).state == OperationState.DONE
    event = AuditEvent.objects.get(tag="panel_confirmed")
    assert (event.subject, event.details) == (TRIAL, {"old": PANEL, "new": TRIAL})


def test_with_calls_off_the_worker_asks_nothing(
    settings: Any, client: AitronosClient, key: ApiKey, sandbox: SandboxServer
) -> None:
    settings.AITRONOS_CALLS = False
    before = sum(sandbox.request_counts.by_path.values())
    run_worker(client)
    assert sum(sandbox.request_counts.by_path.values()) == before
    assert SyncStatus.objects.get(pk=key.pk).checked_at is None
    assert not ApiHealth.objects.exists()
    assert WorkerHeartbeat.objects.exists()


def test_with_calls_off_nobody_asks_for_a_check_or_a_sync(
    settings: Any, key: ApiKey, organisation: Organisation
) -> None:
    settings.AITRONOS_CALLS = False
    with pytest.raises(Conflict, match="AITRONOS_CALLS=off"):
        check_request(organisation=organisation, actor=ANA, key_id=key.pk)
    with pytest.raises(Conflict, match="AITRONOS_CALLS=off"):
        request_sync(key, organisation)
    assert SyncStatus.objects.get(pk=key.pk).requested_at is None


def test_with_calls_off_nothing_leaves_whoever_calls(settings: Any, sandbox: SandboxServer) -> None:
    settings.AITRONOS_API_BASE_URL, settings.AITRONOS_CALLS = sandbox.base_url, False
    before = sum(sandbox.request_counts.by_path.values())
    with pytest.raises(AitronosError) as caught:
        api_client().get_sync_status(secret=sandbox_key(Scenario.HEALTHY, "Off"))
    assert not caught.value.request_sent
    assert sum(sandbox.request_counts.by_path.values()) == before

"""A sandbox whose clock stands still, and operations sent to it."""

from collections.abc import Iterator

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.models import RemoteOperation
from freddy_admin.sync.operations.remote_call import (
    OperationClaim,
    operation_send,
    operations_claim,
)
from freddy_admin.sync.operations.results import operation_results_save
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, MakeKey

SYNC_PATH = "/v1/admin/composio/sync"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    options = SandboxOptions(sync_seconds=0.0)
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=options) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> AitronosClient:
    return AitronosClient(ClientConfig(sandbox.base_url, read_timeout=2.0), clock=clock.now)


def claim_operations() -> list[OperationClaim]:
    return operations_claim(limit=5, now=clock.now())


def send_operation(client: AitronosClient) -> RemoteOperation:
    (claim,) = claim_operations()
    operation_results_save([operation_send(client, claim)])
    return RemoteOperation.objects.get(pk=claim.row_id)


def make_scenario_key(make_key: MakeKey, scenario: Scenario) -> ApiKey:
    return make_key(secret=sandbox_key(scenario, f"Order {scenario}"))


def count_sync_requests(sandbox: SandboxServer) -> int:
    return sandbox.request_counts.by_path[SYNC_PATH]

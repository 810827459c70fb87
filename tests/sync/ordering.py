"""An imitation that stands still, and orders sent to it."""

from collections.abc import Iterator

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.models import Order
from freddy_admin.sync.orders.calls import OrderClaim, order_claims_take, order_perform
from freddy_admin.sync.orders.results import orders_store
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, MakeKey

SYNC = "/v1/admin/composio/sync"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    options = SandboxOptions(sync_seconds=0.0)
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=options) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[AitronosClient]:
    client = AitronosClient(ClientConfig(sandbox.base_url, read_timeout=2.0), clock=clock.now)
    yield client
    client.close()


def take() -> list[OrderClaim]:
    return order_claims_take(limit=5, now=clock.now())


def sent(client: AitronosClient) -> Order:
    (claim,) = take()
    orders_store([order_perform(client, claim)])
    return Order.objects.get(pk=claim.order_id)


def keyed(make_key: MakeKey, scenario: Scenario) -> ApiKey:
    return make_key(secret=key_for(scenario, f"Order {scenario}"))


def asked(sandbox: SandboxServer) -> int:
    return sandbox.requests_seen.by_path[SYNC]

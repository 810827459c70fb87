"""Clients of two workers: one is stopped while it connects, the other runs on."""

from collections.abc import Callable

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.outbound.exchange import HttpTransport
from freddy_admin.outbound.resolver import Address, Resolver
from freddy_admin.sandbox.sandbox_server import SandboxServer


class PausingResolver(Resolver):
    """A resolver that calls `during_pause` once, as if the worker stood still meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.during_pause: Callable[[], object] = lambda: None

    def resolve(self, host: str, port: int, *, seconds: float) -> list[Address]:
        during_pause, self.during_pause = self.during_pause, lambda: None
        during_pause()
        return super().resolve(host, port, seconds=seconds)


@pytest.fixture
def paused_resolver() -> PausingResolver:
    return PausingResolver()


@pytest.fixture
def stopped_client(sandbox: SandboxServer, paused_resolver: PausingResolver) -> AitronosClient:
    """The client of the worker that is stopped."""
    return _client(sandbox, paused_resolver)


@pytest.fixture
def running_client(sandbox: SandboxServer) -> AitronosClient:
    """The client of a worker that runs on."""
    return _client(sandbox, None)


def _client(sandbox: SandboxServer, resolver: Resolver | None) -> AitronosClient:
    config = ClientConfig(sandbox.base_url, connect_timeout=5, read_timeout=2.0)
    return AitronosClient(config, clock=clock.now, transport=HttpTransport(resolver=resolver))

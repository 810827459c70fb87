"""Clients of two workers: one is stopped while it connects, the other runs on."""

from collections.abc import Callable, Iterator

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.connections import CALL
from freddy_admin.aitronos.resolving import Address, Resolver
from freddy_admin.core import clock
from freddy_admin.sandbox.server import SandboxServer


class Paused(Resolver):
    """A way to the other side on which something happens, while the worker stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.happens: Callable[[], object] = lambda: None

    def resolve(self, host: str, port: int, *, seconds: float) -> list[Address]:
        happens, self.happens = self.happens, lambda: None
        # What another worker calls meanwhile knows nothing of our thread's call.
        ours = dict(vars(CALL))
        happens()
        vars(CALL).update(ours)
        return super().resolve(host, port, seconds=seconds)


@pytest.fixture
def pause() -> Paused:
    return Paused()


@pytest.fixture
def zombie(sandbox: SandboxServer, pause: Paused) -> Iterator[AitronosClient]:
    """The client of the worker that is stopped."""
    yield from _client(sandbox, pause)


@pytest.fixture
def other(sandbox: SandboxServer) -> Iterator[AitronosClient]:
    """The client of a worker that runs on."""
    yield from _client(sandbox, None)


def _client(sandbox: SandboxServer, resolver: Resolver | None) -> Iterator[AitronosClient]:
    config = ClientConfig(sandbox.base_url, connect_timeout=5, read_timeout=2.0)
    client = AitronosClient(config, clock=clock.now, resolver=resolver)
    yield client
    client.close()

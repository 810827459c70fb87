"""A scripted server and a client in a hurry."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.types import Answer, SyncStatus
from tests.aitronos.wire import Script, ScriptedServer

KEY = "oak_live_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4y5z6"
NOON = datetime(2025, 11, 15, 12, 0, tzinfo=UTC)
# Enough for a good answer on a busy machine; tests of the limits themselves take LIMITS.
PATIENT: dict[str, Any] = {"connect_timeout": 5, "read_timeout": 5, "total_timeout": 9}
# Short, and yet long enough for a request to go out on a busy machine.
LIMITS: dict[str, Any] = {"connect_timeout": 5, "read_timeout": 1.0, "total_timeout": 1.5}
# Seconds: a call that has limits is over, and what holds it up goes on for a minute or two more.
# How close to its deadline a call ends is measured by `make bench`.
BOUNDED = 20.0

AROUND = {"clock", "sleep", "random", "monotonic", "resolver", "ca_file"}

Serve = Callable[..., ScriptedServer]
MakeClient = Callable[..., AitronosClient]
Reply = Callable[..., Answer[SyncStatus]]
Failed = Callable[..., AitronosError]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers; they end with the test."""
    started: list[ScriptedServer] = []

    def start(script: Script, **more: Any) -> ScriptedServer:
        started.append(ScriptedServer(script, **more))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def waits() -> list[float]:
    """How long the clients of this test said they would wait; they do not."""
    return []


@pytest.fixture
def limits() -> dict[str, Any]:
    """The time limits of this module's clients."""
    return PATIENT


@pytest.fixture
def make_client(waits: list[float], limits: dict[str, Any]) -> Iterator[MakeClient]:
    """Make clients for a server or an address; closed with the test."""
    made: list[AitronosClient] = []

    def make(where: ScriptedServer | str, **more: Any) -> AitronosClient:
        base_url = where if isinstance(where, str) else where.base_url
        around = {"clock": lambda: NOON, "sleep": waits.append, "random": lambda: 0.5}
        around |= {name: more.pop(name) for name in AROUND & set(more)}
        made.append(
            AitronosClient(
                ClientConfig(**{"base_url": base_url} | limits | more),
                **around,
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def reply(serve: Serve, make_client: MakeClient) -> Reply:
    """The answer to one call of a server with this script."""

    def replied(script: Script, **config: Any) -> Answer[SyncStatus]:
        return ask(make_client(serve(script), **config))

    return replied


@pytest.fixture
def failed(serve: Serve, make_client: MakeClient) -> Failed:
    """The error of one call of a server with this script."""

    def failing(script: Script, **config: Any) -> AitronosError:
        return failure(make_client(serve(script), **config))

    return failing


def ask(client: AitronosClient, connection: str = "1.1", key: str = KEY) -> Answer[SyncStatus]:
    """*Get sync status*."""
    return client.get_sync_status(secret=key, connection=connection)


def failure(client: AitronosClient, connection: str = "1.1", key: str = KEY) -> AitronosError:
    """The error that *Get sync status* ends in."""
    with pytest.raises(AitronosError) as caught:
        ask(client, connection, key)
    return caught.value

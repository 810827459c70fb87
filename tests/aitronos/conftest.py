"""A scripted server and a client with short limits."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.types import ApiResponse, SyncStatusResponse
from freddy_admin.outbound.exchange import HttpTransport
from tests.aitronos.scripted_server import Script, ScriptedServer

KEY = "oak_live_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4y5z6"
NOON = datetime(2025, 11, 15, 12, 0, tzinfo=UTC)
# Enough for a good response on a busy machine; tests of the limits themselves take SHORT_LIMITS.
PATIENT_LIMITS: dict[str, Any] = {"connect_timeout": 5, "read_timeout": 5, "total_timeout": 9}
# Short, and yet long enough for a request to go out on a busy machine.
SHORT_LIMITS: dict[str, Any] = {"connect_timeout": 5, "read_timeout": 1.0, "total_timeout": 1.5}
# Seconds: a call that has limits is over, and what holds it up goes on for a minute or two more.
# How close to its deadline a call ends is measured by `make bench`.
BOUNDED_SECONDS = 20.0

CLIENT_DEPENDENCIES = {"clock", "sleep", "random", "monotonic"}
TRANSPORT_DEPENDENCIES = {"resolver", "ca_file", "proxy"}

StartServer = Callable[..., ScriptedServer]
MakeClient = Callable[..., AitronosClient]
GetResponse = Callable[..., ApiResponse[SyncStatusResponse]]
GetError = Callable[..., AitronosError]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Start servers; they are closed with the test."""
    servers: list[ScriptedServer] = []

    def start_one(script: Script, **options: Any) -> ScriptedServer:
        servers.append(ScriptedServer(script, **options))
        return servers[-1]

    yield start_one
    for server in servers:
        server.close()


@pytest.fixture
def recorded_waits() -> list[float]:
    """Seconds that the clients of this test would have waited; they do not."""
    return []


@pytest.fixture
def limits() -> dict[str, Any]:
    """The time limits of this module's clients."""
    return PATIENT_LIMITS


@pytest.fixture
def make_client(recorded_waits: list[float], limits: dict[str, Any]) -> MakeClient:
    """Make clients for a server or an address."""

    def make_one(target: ScriptedServer | str, **config: Any) -> AitronosClient:
        base_url = target if isinstance(target, str) else target.base_url
        dependencies = {
            "clock": lambda: NOON,
            "sleep": recorded_waits.append,
            "random": lambda: 0.5,
        }
        dependencies |= {name: config.pop(name) for name in CLIENT_DEPENDENCIES & set(config)}
        transport = HttpTransport(
            **{name: config.pop(name) for name in TRANSPORT_DEPENDENCIES & set(config)}
        )
        return AitronosClient(
            ClientConfig(**{"base_url": base_url} | limits | config),
            transport=transport,
            **dependencies,
        )

    return make_one


@pytest.fixture
def get_response(start_server: StartServer, make_client: MakeClient) -> GetResponse:
    """The response to one call of a server with this script."""

    def get(script: Script, **config: Any) -> ApiResponse[SyncStatusResponse]:
        return fetch_sync_status(make_client(start_server(script), **config))

    return get


@pytest.fixture
def get_error(start_server: StartServer, make_client: MakeClient) -> GetError:
    """The error of one call of a server with this script."""

    def get(script: Script, **config: Any) -> AitronosError:
        return sync_status_error(make_client(start_server(script), **config))

    return get


def fetch_sync_status(client: AitronosClient, key: str = KEY) -> ApiResponse[SyncStatusResponse]:
    """*Get sync status*."""
    return client.get_sync_status(secret=key)


def sync_status_error(client: AitronosClient, key: str = KEY) -> AitronosError:
    """The error that *Get sync status* ends in."""
    with pytest.raises(AitronosError) as excinfo:
        fetch_sync_status(client, key)
    return excinfo.value

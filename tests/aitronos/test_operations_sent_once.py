"""A remote operation is sent once at most, on a connection of its own, whatever happens."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from freddy_admin.aitronos.errors import AitronosError
from tests.aitronos.api_calls import ALL_CALLS, CATALOG_CALLS, OPERATION_CALLS, error_of
from tests.aitronos.conftest import MakeClient, StartServer
from tests.aitronos.scripted_server import (
    Script,
    ScriptedConnection,
    respond_in_turn,
    response_bytes,
)
from tests.aitronos.test_errors_hold_no_key import FAULTS

ALL_FAULTS: dict[str, Script] = FAULTS | {
    f"{status} with a wait": respond_in_turn(
        response_bytes("", f"{status} X", headers={"Retry-After": "1"})
    )
    for status in (408, 409, 413, 425, 429, 500, 502, 503, 504)
}


@pytest.mark.parametrize("name", OPERATION_CALLS)
@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_operation_is_sent_once_whatever_the_fault(
    start_server: StartServer,
    make_client: MakeClient,
    recorded_waits: list[float],
    name: str,
    fault: str,
) -> None:
    server = start_server(ALL_FAULTS[fault])
    client = make_client(server, read_timeout=0.1, total_timeout=60)
    if name == "start_sync":
        error = error_of(
            lambda client: client.start_sync(secret="oak_live_1", full=True, read_timeout=0.1),
            client,
        )
    else:
        error = error_of(OPERATION_CALLS[name][0], client)
    assert (error.attempts, len(server.wait_for_requests(1)), server.connections) == (1, 1, 1)
    assert error.request_sent
    assert recorded_waits == []


@pytest.mark.parametrize("name", OPERATION_CALLS)
def test_operation_is_not_retried_after_a_hang_up_although_a_get_is(
    start_server: StartServer, make_client: MakeClient, name: str
) -> None:
    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.reset()

    server = start_server(script)
    client = make_client(server)
    assert error_of(OPERATION_CALLS[name][0], client).kind == "connection_lost"
    assert len(server.requests) == 1
    for call, _ in CATALOG_CALLS.values():
        server.requests.clear()
        assert error_of(call, client).attempts == len(server.requests) == 3


def test_concurrent_operations_are_sent_once_and_get_their_own_response(
    start_server: StartServer, make_client: MakeClient
) -> None:
    def script(connection: ScriptedConnection) -> None:
        while request := connection.read_request():
            number = int(request.partition(b"oak_live_")[2].partition(b"\r")[0])
            name = "start_sync" if request.startswith(b"POST") else "switch_tool"
            body = {"job_id": f"job {number}", "message": f"key {number}"}
            connection.send(response_bytes(ALL_CALLS[name][1] | body) if number % 3 else b"")
            if number % 3 == 0:
                return

    server = start_server(script)
    client = make_client(server)

    def call_with_key(number: int) -> str:
        call, _ = list(OPERATION_CALLS.values())[number % 2]
        try:
            return str(call(client, f"oak_live_{number}").value.message)
        except AitronosError as error:
            return f"{error.kind} {error.attempts} {error.request_sent}"

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(call_with_key, range(60)))
    assert results == [
        f"key {number}" if number % 3 else "connection_lost 1 True" for number in range(60)
    ]
    assert (server.connections, len(server.requests)) == (60, 60)

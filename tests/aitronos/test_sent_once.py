"""What changes something goes out once at most, on a connection of its own, whatever happens."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from freddy_admin.aitronos.errors import AitronosError
from tests.aitronos.calls import CHANGES, EVERY, LISTS, error_of
from tests.aitronos.conftest import MakeClient, Serve, ask
from tests.aitronos.test_no_key_comes_out import FAULTS
from tests.aitronos.wire import Script, Talk, answer, says

ONCE: dict[str, Script] = FAULTS | {
    f"{status} with a wait": says(answer("", f"{status} X", headers={"Retry-After": "1"}))
    for status in (408, 409, 413, 425, 429, 500, 502, 503, 504)
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("fault", ONCE)
def test_no_fault_makes_it_go_out_twice(
    serve: Serve, make_client: MakeClient, waits: list[float], name: str, fault: str
) -> None:
    server = serve(ONCE[fault])
    client = make_client(server, read_timeout=0.1, total_timeout=60)
    if name == "start_sync":
        error = error_of(
            lambda one: one.start_sync(secret="oak_live_1", full=True, read_timeout=0.1), client
        )
    else:
        error = error_of(CHANGES[name][0], client)
    assert (error.attempts, len(server.asked(1)), server.connections) == (1, 1, 1)
    assert error.sent
    assert waits == []


@pytest.mark.parametrize("name", CHANGES)
def test_no_idle_connection_is_used_and_none_is_left(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    call, body = CHANGES[name]
    ended: list[int] = []

    def script(talk: Talk) -> None:
        while request := talk.request():
            talk.send(answer() if request.startswith(b"GET") else answer(body))
        ended.append(talk.number)

    server = serve(script)
    client = make_client(server)
    ask(client, "1.1")
    ask(client, "")
    for _ in range(2):
        assert call(client).info.attempts == 1
    ask(client, "1.1")
    ask(client, "")
    assert (server.connections, len(server.requests)) == (4, 6)
    client.close()
    server.join(4)
    assert sorted(ended) == [1, 2, 3, 4]


@pytest.mark.parametrize("name", CHANGES)
def test_the_connection_of_the_public_route_is_not_used(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    """It may have died while it was idle, and nobody could say what had arrived."""
    call, body = CHANGES[name]
    asked: list[tuple[int, bool]] = []

    def script(talk: Talk) -> None:
        while request := talk.request():
            asked.append((talk.number, b"health" in request))
            if b"health" in request:
                talk.send(answer({"status": "ok"}))
            elif talk.number == 1:
                talk.reset()
            else:
                talk.send(answer(body))

    server = serve(script)
    client = make_client(server)
    client.get_health()
    assert call(client).info.attempts == 1
    assert client.get_health().info.attempts == 1
    assert asked == [(1, True), (2, False), (1, True)]


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_not_sent_again_after_a_hang_up_although_a_get_would_be(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    def script(talk: Talk) -> None:
        talk.request()
        talk.reset()

    server = serve(script)
    client = make_client(server)
    assert error_of(CHANGES[name][0], client).kind == "connection_lost"
    assert len(server.requests) == 1
    for call, _ in LISTS.values():
        server.requests.clear()
        assert error_of(call, client).attempts == len(server.requests) == 3


def test_many_at_once_are_each_sent_once_and_get_their_own_answer(
    serve: Serve, make_client: MakeClient
) -> None:
    def script(talk: Talk) -> None:
        while request := talk.request():
            number = int(request.partition(b"oak_live_")[2].partition(b"\r")[0])
            name = "start_sync" if request.startswith(b"POST") else "switch_tool"
            own = {"job_id": f"job {number}", "message": f"key {number}"}
            talk.send(answer(EVERY[name][1] | own) if number % 3 else b"")
            if number % 3 == 0:
                return

    server = serve(script)
    client = make_client(server)

    def called(number: int) -> str:
        call, _ = list(CHANGES.values())[number % 2]
        try:
            return str(call(client, f"oak_live_{number}").value.message)
        except AitronosError as error:
            return f"{error.kind} {error.attempts} {error.sent}"

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(called, range(60)))
    assert said == [
        f"key {number}" if number % 3 else "connection_lost 1 True" for number in range(60)
    ]
    assert (server.connections, len(server.requests)) == (60, 60)

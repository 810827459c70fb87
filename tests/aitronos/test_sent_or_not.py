"""An error says that nothing was sent where that is certain, and there alone."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from freddy_admin.aitronos.errors import AitronosError, FailureKind
from freddy_admin.aitronos.resolving import Address, Resolver
from tests.aitronos.calls import CHANGES, EVERY, error_of
from tests.aitronos.certificates import Authority
from tests.aitronos.conftest import KEY, MakeClient, Serve, ask, failure
from tests.aitronos.wire import ENDLESS, Script, Talk, answer, says
from tests.flows.waiting import until

LEFT_US: dict[str, Script] = {
    "silence": lambda talk: (talk.request(), talk.pause(ENDLESS)),
    "hang up": lambda talk: talk.request(),
    "reset": lambda talk: (talk.request(), talk.reset()),
    "reset, unread": lambda talk: (talk.connection.recv(1), talk.reset()),
    "no HTTP": lambda talk: (talk.request(), talk.send(b"garbage\r\n\r\n")),
    "a part of a head": lambda talk: (talk.request(), talk.send(b"HTTP/1.1 200 OK\r\nA: ")),
    "a part of a body": lambda talk: (talk.request(), talk.send(answer()[:-9])),
    **{str(status): says(answer("", f"{status} X")) for status in (302, 401, 403, 404, 409, 422)},
    **{str(status): says(answer("", f"{status} X")) for status in (429, 500, 502, 503, 504)},
    "not JSON": says(answer("<html>")),
}


@pytest.fixture
def limits() -> dict[str, Any]:
    """With the time to try a GET again; silence alone is not waited for."""
    return {"connect_timeout": 5, "read_timeout": 0.2, "total_timeout": 60}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port whose queue is full: a connection to it neither fails nor comes about."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    callers = [socket.socket() for _ in range(4)]
    for caller in callers:
        caller.setblocking(False)
        caller.connect_ex(listening.getsockname())
    yield listening.getsockname()[1]
    for one in (*callers, listening):
        one.close()


def outcome(client: Any, name: str, read: float = 0.2) -> AitronosError:
    if name == "start_sync":
        return error_of(
            lambda one: one.start_sync(secret=KEY, full=True, read_timeout=read), client
        )
    return error_of(EVERY[name][0], client)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("how", LEFT_US)
def test_what_left_us_may_have_arrived(
    serve: Serve, make_client: MakeClient, how: str, name: str
) -> None:
    assert outcome(make_client(serve(LEFT_US[how])), name).sent is True


@pytest.mark.parametrize("name", EVERY)
def test_a_key_that_cannot_be_sent_was_not(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    server = serve(says(answer()))
    error = error_of(EVERY[name][0], make_client(server), "two words")
    assert (error.kind, error.sent, server.connections) == ("invalid_secret", False, 0)


@pytest.mark.parametrize("name", EVERY)
def test_a_refused_connection_sends_nothing(make_client: MakeClient, name: str) -> None:
    error = outcome(make_client("http://127.0.0.1:1"), name)
    assert (error.kind, error.sent) == (FailureKind.CONNECTION_REFUSED, False)
    assert error.attempts == (1 if name in CHANGES else 3)


@pytest.mark.parametrize("name", EVERY)
def test_an_unknown_name_gets_nothing(make_client: MakeClient, name: str) -> None:
    client = make_client("https://api.example", resolver=Resolver(lambda _host, _port: []))
    error = outcome(client, name)
    assert (error.kind, error.sent) == (FailureKind.NAME_NOT_FOUND, False)


@pytest.mark.parametrize("name", CHANGES)
def test_an_unreachable_network_gets_nothing(make_client: MakeClient, name: str) -> None:
    # An address of the wrong family: the system finds no way there.
    nowhere: Address = (socket.AF_INET6, "127.0.0.1", 9)
    client = make_client("https://api.example", resolver=Resolver(lambda _host, _port: [nowhere]))
    error = outcome(client, name)
    assert (error.kind, error.sent) == (FailureKind.UNREACHABLE, False)


@pytest.mark.parametrize("name", CHANGES)
def test_a_connection_that_never_came_about_sent_nothing(
    deaf: int, make_client: MakeClient, name: str
) -> None:
    error = outcome(make_client(f"http://127.0.0.1:{deaf}", connect_timeout=0.1), name, read=60)
    assert (error.kind, error.sent) == (FailureKind.CONNECT_TIMEOUT, False)


@pytest.mark.parametrize("name", CHANGES)
def test_a_certificate_that_is_not_believed_gets_nothing(
    serve: Serve, make_client: MakeClient, authority: Authority, name: str
) -> None:
    server = serve(says(answer()), tls=authority.context())
    error = outcome(make_client(server), name)
    assert (error.kind, error.sent, server.requests) == (FailureKind.TLS, False, [])


@pytest.mark.parametrize(
    "how",
    [
        Talk.reset,
        lambda _: None,
        lambda talk: talk.pause(ENDLESS),
        lambda talk: talk.send(b"HTTP/1.1 2"),
    ],
    ids=["reset", "closed", "silence", "no TLS"],
)
@pytest.mark.parametrize("name", CHANGES)
def test_a_handshake_that_fails_sends_nothing(
    serve: Serve, make_client: MakeClient, authority: Authority, how: Any, name: str
) -> None:
    server = serve(lambda talk: (talk.connection.recv(65_536), how(talk)))
    base_url = server.base_url.replace("http:", "https:")
    client = make_client(base_url, ca_file=authority.ca_file, connect_timeout=0.3)
    error = outcome(client, name, read=60)
    assert (error.sent, error.attempts) == (False, 1)
    assert until(lambda: server.connections == 1)


@pytest.mark.parametrize("name", CHANGES)
def test_behind_tls_what_left_us_may_have_arrived(
    serve: Serve, make_client: MakeClient, authority: Authority, name: str
) -> None:
    def garbled(talk: Talk) -> None:
        talk.request()
        os.write(talk.connection.fileno(), b"no TLS record at all")

    for script in (garbled, lambda talk: talk.request()):
        server = serve(script, tls=authority.context())
        error = outcome(make_client(server, ca_file=authority.ca_file), name)
        assert (error.sent, len(server.requests)) == (True, 1)
        assert error.kind in {FailureKind.TLS, FailureKind.CONNECTION_LOST}


class Hurried:
    """A clock on which a call's time is over from one of its looks on."""

    def __init__(self, last: int) -> None:
        self.looks, self.last = 0, last

    def __call__(self) -> float:
        self.looks += 1
        return 0.0 if self.looks <= self.last else 1e6


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("looks", range(2, 8))
def test_nothing_is_sent_once_the_time_is_over(
    serve: Serve, make_client: MakeClient, name: str, looks: int
) -> None:
    server = serve(says(answer("", "503 X")))
    error = outcome(make_client(server, connect_timeout=5, monotonic=Hurried(looks)), name)
    if looks <= 4:
        assert (error.kind, error.sent) == (FailureKind.TOTAL_TIMEOUT, False)
    server.close()
    assert error.sent or server.requests == []


def test_a_get_was_sent_if_any_of_its_attempts_was(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer("", "503 X")))
    client = make_client(server, sleep=lambda _: server.close())
    error = failure(client)
    assert (error.kind, error.attempts) == (FailureKind.CONNECTION_REFUSED, 3)
    assert (error.sent, len(server.requests)) == (True, 1)


def test_an_error_made_without_more_is_taken_for_sent() -> None:
    assert AitronosError(FailureKind.SERVER_ERROR).sent is True
    assert AitronosError(FailureKind.SERVER_ERROR, sent=False).sent is False


def test_one_call_says_nothing_about_the_next(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer()))
    ask(make_client(server))
    assert failure(make_client("http://127.0.0.1:1")).sent is False

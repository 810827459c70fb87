"""Connecting to a typed address: what was judged is what is connected to (drills S5, S6, S7)."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from freddy_admin.core.outgoing import (
    GuardedConnection,
    OutgoingRefused,
    Target,
    dialled,
    public_addresses,
    target_of,
)
from tests.aitronos.certificates import Authority

PUBLIC, OTHER = "93.184.216.34", "93.184.216.35"
HOOK = Target("localhost", 443, "/hook")  # the name in the test server's certificate


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        [PUBLIC, "192.168.0.1"],  # public and private at once
        ["fe80::1%eth0"],
        [],
    ],
)
def test_a_name_that_leads_elsewhere_opens_no_socket(found: list[str]) -> None:
    dials: list[str] = []

    def dial(address: str, port: int, timeout: float) -> socket.socket:
        dials.append(address)
        raise AssertionError("a socket was opened")

    connection = GuardedConnection(HOOK, timeout=1, lookup=lambda host, port: found, dial=dial)
    with pytest.raises(OutgoingRefused):
        connection.request("POST", HOOK.path, b"{}")
    assert dials == []


def test_a_name_that_flips_at_the_second_look_is_looked_up_once() -> None:
    answers, dials = iter([[PUBLIC], ["127.0.0.1"]]), []

    def dial(address: str, port: int, timeout: float) -> socket.socket:
        dials.append(address)
        raise ConnectionRefusedError

    connection = GuardedConnection(
        HOOK, timeout=1, lookup=lambda host, port: next(answers), dial=dial
    )
    with pytest.raises(ConnectionRefusedError):
        connection.connect()
    assert dials == [PUBLIC]
    with pytest.raises(OutgoingRefused):  # the next delivery judges anew
        connection.connect()
    assert dials == [PUBLIC]


def test_the_system_resolver_is_asked_for_names_and_loopback_is_refused() -> None:
    with pytest.raises(OutgoingRefused):
        public_addresses("localhost", 443)
    with pytest.raises(OutgoingRefused):
        public_addresses("no-such-name.invalid", 443)


def test_a_silent_address_gives_way_to_the_next_one() -> None:
    dials: list[str] = []

    def dial(address: str, port: int, timeout: float) -> socket.socket:
        dials.append(address)
        raise TimeoutError

    connection = GuardedConnection(
        HOOK, timeout=1, lookup=lambda host, port: [PUBLIC, OTHER], dial=dial
    )
    with pytest.raises(TimeoutError):
        connection.connect()
    assert dials == [PUBLIC, OTHER]


def test_dialling_connects_to_the_very_address() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        dialled("127.0.0.1", server.getsockname()[1], 5) as connection,
    ):
        assert connection.getpeername() == server.getsockname()
        there = server.getsockname()[1]
    with pytest.raises(OSError):  # noqa: PT011  whichever: nobody is there
        dialled("127.0.0.1", there, 1)


def test_no_proxy_is_used_and_none_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    dials: list[tuple[str, int]] = []

    def dial(address: str, port: int, timeout: float) -> socket.socket:
        dials.append((address, port))
        raise ConnectionRefusedError

    connection = GuardedConnection(HOOK, timeout=1, lookup=lambda host, port: [PUBLIC], dial=dial)
    with pytest.raises(OutgoingRefused):
        connection.set_tunnel("127.0.0.1", 9)
    with pytest.raises(ConnectionRefusedError):
        connection.connect()
    assert dials == [(PUBLIC, 443)]


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("outgoing"))


@contextmanager
def _hook(trusted: Authority, answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A TLS server that takes one request and gives this answer."""
    heard: list[bytes] = []
    context = trusted.context("localhost")

    def serve() -> None:
        try:
            plain, _ = server.accept()
            with context.wrap_socket(plain, server_side=True) as connection:
                request = b""
                while not request.endswith(b"{}"):
                    request += connection.recv(65_536)
                heard.append(request)
                connection.sendall(answer)
        except OSError:
            heard.append(b"")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], heard
        thread.join(timeout=60)


def _exchange(port: int, context: ssl.SSLContext | None) -> http.client.HTTPResponse:
    def dial(address: str, number: int, timeout: float) -> socket.socket:
        # Stands for the public internet: the judged address is answered on loopback.
        assert (address, number) == (PUBLIC, 443)
        return socket.create_connection(("127.0.0.1", port), timeout)

    connection = GuardedConnection(
        HOOK, timeout=60, lookup=lambda host, number: [PUBLIC], dial=dial, context=context
    )
    try:
        connection.request("POST", HOOK.path, b"{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def test_a_redirect_is_an_answer_and_is_not_followed(trusted: Authority) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    context = ssl.create_default_context(cafile=trusted.ca_file)
    with _hook(trusted, redirect) as (port, heard):
        assert _exchange(port, context).status == 302
    (request,) = heard
    assert request.startswith(b"POST /hook HTTP/1.1\r\nHost: localhost\r\n")
    assert b"Authorization" not in request


def test_a_certificate_of_nobody_we_know_is_refused(trusted: Authority) -> None:
    with _hook(trusted, b"") as (port, _), pytest.raises(ssl.SSLCertVerificationError):
        _exchange(port, None)


def test_what_was_taken_is_what_is_connected_to() -> None:
    target = target_of("https://hooks.example.org:8443/a")
    connection = GuardedConnection(target, timeout=1)
    assert (connection.host, connection.port) == ("hooks.example.org", 8443)

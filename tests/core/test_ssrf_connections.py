"""Connecting to a typed URL: only to an address that was validated (drills S5, S6, S7)."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from freddy_admin.core.ssrf import (
    AddressBlocked,
    GuardedConnection,
    OutboundUrl,
    open_socket,
    parse_outbound_url,
    resolve_public_addresses,
)
from tests.aitronos.certificates import CertificateAuthority

PUBLIC, OTHER_PUBLIC = "93.184.216.34", "93.184.216.35"
WEBHOOK_URL = OutboundUrl("localhost", 443, "/hook")  # the name in the test server's certificate


@pytest.mark.parametrize(
    "addresses",
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
def test_a_name_without_a_public_address_opens_no_socket(addresses: list[str]) -> None:
    connected: list[str] = []

    def connector(address: str, port: int, timeout: float) -> socket.socket:
        connected.append(address)
        raise AssertionError("a socket was opened")

    connection = GuardedConnection(
        WEBHOOK_URL, timeout=1, resolver=lambda host, port: addresses, connector=connector
    )
    with pytest.raises(AddressBlocked):
        connection.request("POST", WEBHOOK_URL.path, b"{}")
    assert connected == []


def test_a_name_is_resolved_once_for_each_connection() -> None:
    resolutions, connected = iter([[PUBLIC], ["127.0.0.1"]]), []

    def connector(address: str, port: int, timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    connection = GuardedConnection(
        WEBHOOK_URL, timeout=1, resolver=lambda host, port: next(resolutions), connector=connector
    )
    with pytest.raises(ConnectionRefusedError):
        connection.connect()
    assert connected == [PUBLIC]
    with pytest.raises(AddressBlocked):  # the next connection validates again
        connection.connect()
    assert connected == [PUBLIC]


def test_the_system_resolver_is_used_and_loopback_is_refused() -> None:
    with pytest.raises(AddressBlocked):
        resolve_public_addresses("localhost", 443)
    with pytest.raises(AddressBlocked):
        resolve_public_addresses("no-such-name.invalid", 443)


def test_the_next_address_is_tried_after_a_silent_one() -> None:
    connected: list[str] = []

    def connector(address: str, port: int, timeout: float) -> socket.socket:
        connected.append(address)
        raise TimeoutError

    connection = GuardedConnection(
        WEBHOOK_URL,
        timeout=1,
        resolver=lambda host, port: [PUBLIC, OTHER_PUBLIC],
        connector=connector,
    )
    with pytest.raises(TimeoutError):
        connection.connect()
    assert connected == [PUBLIC, OTHER_PUBLIC]


def test_open_socket_connects_to_the_given_address() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        open_socket("127.0.0.1", server.getsockname()[1], 5) as connection,
    ):
        assert connection.getpeername() == server.getsockname()
        port = server.getsockname()[1]
    with pytest.raises(OSError):  # noqa: PT011  whichever: nobody is there
        open_socket("127.0.0.1", port, 1)


def test_a_guarded_connection_uses_no_proxy_and_sets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    connected: list[tuple[str, int]] = []

    def connector(address: str, port: int, timeout: float) -> socket.socket:
        connected.append((address, port))
        raise ConnectionRefusedError

    connection = GuardedConnection(
        WEBHOOK_URL, timeout=1, resolver=lambda host, port: [PUBLIC], connector=connector
    )
    with pytest.raises(AddressBlocked):
        connection.set_tunnel("127.0.0.1", 9)
    with pytest.raises(ConnectionRefusedError):
        connection.connect()
    assert connected == [(PUBLIC, 443)]


@pytest.fixture(scope="module")
def certificate_authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("outgoing"))


@contextmanager
def _webhook_server(
    certificate_authority: CertificateAuthority, response: bytes
) -> Iterator[tuple[int, list[bytes]]]:
    """A TLS server that accepts one request and sends this response."""
    requests: list[bytes] = []
    context = certificate_authority.server_context("localhost")

    def serve() -> None:
        try:
            tcp_socket, _ = server.accept()
            with context.wrap_socket(tcp_socket, server_side=True) as connection:
                request = b""
                while not request.endswith(b"{}"):
                    request += connection.recv(65_536)
                requests.append(request)
                connection.sendall(response)
        except OSError:
            requests.append(b"")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], requests
        thread.join(timeout=60)


def _send_request(port: int, context: ssl.SSLContext | None) -> http.client.HTTPResponse:
    def connector(address: str, number: int, timeout: float) -> socket.socket:
        # Stands for the public internet: the validated address is served on loopback.
        assert (address, number) == (PUBLIC, 443)
        return socket.create_connection(("127.0.0.1", port), timeout)

    connection = GuardedConnection(
        WEBHOOK_URL,
        timeout=60,
        resolver=lambda host, number: [PUBLIC],
        connector=connector,
        context=context,
    )
    try:
        connection.request("POST", WEBHOOK_URL.path, b"{}", {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def test_a_redirect_is_not_followed(certificate_authority: CertificateAuthority) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    context = ssl.create_default_context(cafile=certificate_authority.ca_file)
    with _webhook_server(certificate_authority, redirect) as (port, requests):
        assert _send_request(port, context).status == 302
    (request,) = requests
    assert request.startswith(b"POST /hook HTTP/1.1\r\nHost: localhost\r\n")
    assert b"Authorization" not in request


def test_an_unknown_certificate_authority_is_refused(
    certificate_authority: CertificateAuthority,
) -> None:
    with (
        _webhook_server(certificate_authority, b"") as (port, _),
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        _send_request(port, None)


def test_a_guarded_connection_uses_the_parsed_host_and_port() -> None:
    url = parse_outbound_url("https://hooks.example.org:8443/a")
    connection = GuardedConnection(url, timeout=1)
    assert (connection.host, connection.port) == ("hooks.example.org", 8443)

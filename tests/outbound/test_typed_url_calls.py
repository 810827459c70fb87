"""Calling a URL that a person typed: only an address that was looked at (drills S5, S6, S7)."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from freddy_admin.outbound.errors import TransportError, TransportFailure
from freddy_admin.outbound.exchange import HttpTransport, RawResponse
from freddy_admin.outbound.proxy import Proxy
from freddy_admin.outbound.resolver import Address, Resolver
from tests.aitronos.certificates import CertificateAuthority
from tests.aitronos.conftest import StartServer
from tests.aitronos.scripted_server import respond_in_turn, response_bytes
from tests.outbound.conftest import StartProxy, exchange, exchange_error
from tests.outbound.connect_proxy import ConnectProxy

PUBLIC, OTHER_PUBLIC = "93.184.216.34", "93.184.216.35"
WEBHOOK_URL = "https://hooks.example.org/hook"


def resolver_of(*addresses: str) -> Resolver:
    """A resolver that knows these addresses for every name but those of this machine."""

    def lookup(host: str, port: int) -> list[Address]:
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, address, port)
            for address in addresses
        ]

    return Resolver(lookup)


def call_typed(transport: HttpTransport, url: str = WEBHOOK_URL) -> RawResponse:
    return exchange(transport, url, public_addresses_only=True)


def typed_error(transport: HttpTransport, url: str = WEBHOOK_URL) -> TransportError:
    return exchange_error(transport, url, public_addresses_only=True)


@pytest.fixture
def tried_addresses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Where sockets would have been connected to; nobody is there."""
    tried: list[Any] = []

    def connect(_self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


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
    ],
)
def test_a_name_without_a_public_address_opens_no_socket(
    tried_addresses: list[Any], addresses: list[str]
) -> None:
    error = typed_error(HttpTransport(resolver=resolver_of(*addresses)))
    assert (error.kind, error.request_sent) == (TransportFailure.ADDRESS_BLOCKED, False)
    through_proxy = HttpTransport(
        resolver=resolver_of(*addresses), proxy=Proxy("proxy.example", 3128)
    )
    assert typed_error(through_proxy).kind is TransportFailure.ADDRESS_BLOCKED
    assert tried_addresses == []


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://[::1]/", "https://[fc00::1]:8443/"])
def test_an_address_inside_opens_no_socket(tried_addresses: list[Any], url: str) -> None:
    assert typed_error(HttpTransport(), url).kind is TransportFailure.ADDRESS_BLOCKED
    assert tried_addresses == []


def test_a_name_is_resolved_once_for_each_connection(tried_addresses: list[Any]) -> None:
    answers = iter([[(socket.AF_INET, PUBLIC, 443)], [(socket.AF_INET, "127.0.0.1", 443)]])
    transport = HttpTransport(resolver=Resolver(lambda _host, _port: next(answers), lambda: now[0]))
    now = [0.0]
    assert typed_error(transport).kind is TransportFailure.CONNECTION_REFUSED
    assert tried_addresses == [(PUBLIC, 443)]
    now[0] = 61.0  # the name flips, and the next connection looks again
    assert typed_error(transport).kind is TransportFailure.ADDRESS_BLOCKED
    assert tried_addresses == [(PUBLIC, 443)]


def test_the_system_resolver_is_used_and_loopback_is_refused(tried_addresses: list[Any]) -> None:
    error = typed_error(HttpTransport(), "https://localhost/")
    assert error.kind is TransportFailure.ADDRESS_BLOCKED
    assert tried_addresses == []


def test_the_next_address_is_tried_after_one_that_refuses(tried_addresses: list[Any]) -> None:
    typed_error(HttpTransport(resolver=resolver_of(PUBLIC, OTHER_PUBLIC)))
    assert tried_addresses == [(PUBLIC, 443), (OTHER_PUBLIC, 443)]


def test_what_the_operator_allowed_is_called_wherever_it_is(
    start_server: StartServer, authority: CertificateAuthority
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    transport = HttpTransport(ca_file=authority.ca_file)
    assert exchange(transport, server.base_url).status == 200


def webhook_proxy(start_proxy: StartProxy, port: int) -> tuple[ConnectProxy, Proxy]:
    """A proxy that stands for the public internet: every address is served at `port`."""
    proxy = start_proxy(leads_to=port)
    return proxy, Proxy("127.0.0.1", proxy.port)


def test_proxy_is_asked_for_the_address_that_was_looked_at(
    start_server: StartServer, start_proxy: StartProxy, authority: CertificateAuthority
) -> None:
    """A name could lead the proxy to another place than us; the certificate is the name's."""
    server = start_server(
        respond_in_turn(response_bytes()), tls=authority.server_context("hooks.example.org")
    )
    proxy, setting = webhook_proxy(start_proxy, server.port)
    transport = HttpTransport(
        ca_file=authority.ca_file, proxy=setting, resolver=resolver_of(PUBLIC, OTHER_PUBLIC)
    )
    assert call_typed(transport).status == 200
    assert proxy.targets == [f"{PUBLIC}:443"]
    assert server.requests[0].startswith(b"POST /hook HTTP/1.1\r\nHost: hooks.example.org\r\n")


def test_a_redirect_is_not_followed(
    start_server: StartServer, start_proxy: StartProxy, authority: CertificateAuthority
) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    server = start_server(
        respond_in_turn(redirect), tls=authority.server_context("hooks.example.org")
    )
    proxy, setting = webhook_proxy(start_proxy, server.port)
    transport = HttpTransport(
        ca_file=authority.ca_file, proxy=setting, resolver=resolver_of(PUBLIC)
    )
    assert call_typed(transport).status == 302
    (request,) = server.requests
    assert b"Authorization" not in request
    assert len(proxy.targets) == 1


def test_an_unknown_certificate_authority_is_refused(
    start_server: StartServer, start_proxy: StartProxy, authority: CertificateAuthority
) -> None:
    server = start_server(
        respond_in_turn(response_bytes()), tls=authority.server_context("hooks.example.org")
    )
    _, setting = webhook_proxy(start_proxy, server.port)
    error = typed_error(HttpTransport(proxy=setting, resolver=resolver_of(PUBLIC)))
    assert (error.kind, server.requests) == (TransportFailure.TLS, [])

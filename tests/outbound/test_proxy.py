"""Through the operator's proxy: by CONNECT alone, with all limits, and without the key in clear."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from freddy_admin.aitronos.errors import ConnectionFailed, FailureKind, KeyNotPermitted, KeyRefused
from freddy_admin.outbound.errors import TransportFailure
from freddy_admin.outbound.exchange import HttpTransport
from freddy_admin.outbound.proxy import Proxy, parse_proxy
from freddy_admin.outbound.resolver import Address, Resolver
from tests.aitronos.api_calls import ALL_CALLS, OPERATION_CALLS, error_of
from tests.aitronos.certificates import CertificateAuthority
from tests.aitronos.conftest import (
    BOUNDED_SECONDS,
    KEY,
    MakeClient,
    StartServer,
    fetch_sync_status,
    sync_status_error,
)
from tests.aitronos.scripted_server import (
    ENDLESS_SECONDS,
    Script,
    ScriptedConnection,
    respond_in_turn,
    respond_once,
    response_bytes,
)
from tests.outbound.conftest import StartProxy, exchange, exchange_error
from tests.outbound.connect_proxy import ESTABLISHED, ConnectProxy

CREDENTIALS = "freddy:pa:ss word"


def proxy_setting(proxy: ConnectProxy, credentials: str = "") -> Proxy:
    return parse_proxy(f"http://{credentials}{'@' if credentials else ''}127.0.0.1:{proxy.port}")


def no_lookup(host: str, _port: int) -> list[Address]:
    raise AssertionError(f"{host} was looked up here")


@pytest.mark.parametrize("credentials", ["", "freddy:pa%3Ass%20word"])
def test_call_goes_through_the_proxy_with_a_private_authority(
    start_server: StartServer,
    start_proxy: StartProxy,
    make_client: MakeClient,
    authority: CertificateAuthority,
    credentials: str,
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    proxy = start_proxy(credentials=CREDENTIALS if credentials else "")
    client = make_client(server, ca_file=authority.ca_file, proxy=proxy_setting(proxy, credentials))
    assert fetch_sync_status(client).value.total_tools == 42
    assert proxy.targets == [f"127.0.0.1:{server.port}"]
    assert KEY.encode() in server.requests[0]
    assert b"Proxy-Authorization" not in server.requests[0]
    assert KEY.encode() not in proxy.seen
    assert b"sync/status" not in proxy.seen


def test_name_of_the_api_is_looked_up_by_the_proxy_alone(
    start_server: StartServer,
    start_proxy: StartProxy,
    make_client: MakeClient,
    authority: CertificateAuthority,
) -> None:
    server = start_server(
        respond_in_turn(response_bytes()), tls=authority.server_context("api.intranet.example")
    )
    proxy = start_proxy(leads_to=server.port)
    client = make_client(
        "https://api.intranet.example",
        ca_file=authority.ca_file,
        proxy=proxy_setting(proxy),
        resolver=Resolver(no_lookup),
    )
    assert fetch_sync_status(client).value.total_tools == 42
    assert proxy.targets == ["api.intranet.example:443"]


def test_certificate_is_checked_behind_the_proxy(
    start_server: StartServer,
    start_proxy: StartProxy,
    make_client: MakeClient,
    authority: CertificateAuthority,
) -> None:
    """A proxy that leads elsewhere, or answers itself, gets no key."""
    server = start_server(
        respond_in_turn(response_bytes()), tls=authority.server_context("other.example")
    )
    proxy = start_proxy(leads_to=server.port)
    error = sync_status_error(
        make_client("https://api.example", ca_file=authority.ca_file, proxy=proxy_setting(proxy))
    )
    assert (error.kind, error.request_sent, server.requests) == (FailureKind.TLS, False, [])


def test_plain_call_on_this_machine_goes_through_a_proxy_on_it(
    start_server: StartServer, start_proxy: StartProxy, make_client: MakeClient
) -> None:
    server, proxy = start_server(respond_in_turn(response_bytes())), start_proxy()
    client = make_client(server, proxy=proxy_setting(proxy))
    assert fetch_sync_status(client).value.total_tools == 42
    assert proxy.targets == [f"127.0.0.1:{server.port}"]
    assert server.requests[0].startswith(b"GET /v1/admin/composio/sync/status HTTP/1.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_call_on_this_machine_never_reaches_a_proxy_elsewhere(
    start_server: StartServer, start_proxy: StartProxy, make_client: MakeClient, host: str
) -> None:
    """It would read the key in plain text, and connect us with itself."""
    proxy, server = start_proxy(), start_server(respond_in_turn(response_bytes()))

    def lookup(name: str, port: int) -> list[Address]:
        return [(2, "127.0.0.1", proxy.port if name == "proxy.example" else port)]

    client = make_client(
        f"http://{host}:{server.port}",
        proxy=Proxy("proxy.example", 3128),
        resolver=Resolver(lookup),
    )
    assert fetch_sync_status(client).value.total_tools == 42
    assert proxy.connections == 0


def answer(data: bytes) -> Script:
    return respond_once(data)


def drip(data: bytes) -> Script:
    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(data)
        connection.send_forever(b"x", 0.02)

    return script


Fault = tuple[Script, FailureKind, str]
HTML = b"<html><h1>Sign in to the network</h1></html>"
FAULTS: dict[str, Fault] = {
    "403": (answer(b"HTTP/1.1 403 No\r\n\r\n" + HTML), FailureKind.PROXY_REFUSED, "status 403"),
    "407": (
        answer(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\r\n"),
        FailureKind.PROXY_REFUSED,
        "status 407",
    ),
    "401": (answer(b"HTTP/1.0 401 No\r\n\r\n"), FailureKind.PROXY_REFUSED, "status 401"),
    "502": (answer(b"HTTP/1.1 502 No\r\n\r\n"), FailureKind.PROXY_FAILED, "status 502"),
    "302": (
        answer(b"HTTP/1.1 302 There\r\nLocation: https://portal.example/\r\n\r\n"),
        FailureKind.PROXY_FAILED,
        "status 302",
    ),
    "HTML alone": (answer(HTML), FailureKind.PROXY_FAILED, "unreadable answer"),
    "HTML with 200": (
        answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + HTML),
        FailureKind.PROXY_FAILED,
        "unreadable answer",
    ),
    "no HTTP": (answer(b"220 mail.example ESMTP\r\n\r\n"), FailureKind.PROXY_FAILED, "unreadable"),
    "no status": (answer(b"HTTP/1.1 OK\r\n\r\n"), FailureKind.PROXY_FAILED, "unreadable answer"),
    "a huge head": (
        answer(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000),
        FailureKind.PROXY_FAILED,
        "unreadable answer",
    ),
    "a part of a head": (answer(b"HTTP/1.1 200 O"), FailureKind.PROXY_FAILED, "unreadable answer"),
    "closing": (
        lambda connection: connection.read_request(),
        FailureKind.PROXY_FAILED,
        "connection lost",
    ),
    "a reset": (
        lambda connection: (connection.read_request(), connection.reset()),
        FailureKind.PROXY_FAILED,
        "connection lost",
    ),
    "hanging": (
        lambda connection: (connection.read_request(), connection.pause(ENDLESS_SECONDS)),
        FailureKind.PROXY_FAILED,
        "no answer in time",
    ),
    "dripping": (
        drip(b"HTTP/1.1 200 OK\r\nA: "),
        FailureKind.PROXY_FAILED,
        "no answer in time",
    ),
}
SLOW_FAULTS = {"hanging", "dripping"}


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("name", ["start_sync", "switch_tool", "list_connectors"])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_of_the_proxy_is_its_own_and_nothing_was_sent(
    start_proxy: StartProxy, make_client: MakeClient, fault: str, name: str, scheme: str
) -> None:
    script, kind, detail = FAULTS[fault]
    proxy = start_proxy(script)
    client = make_client(
        f"{scheme}://127.0.0.1:9",
        proxy=proxy_setting(proxy, "freddy:secret"),
        connect_timeout=0.3 if fault in SLOW_FAULTS else 5,
        total_timeout=60,
    )
    error = error_of(ALL_CALLS[name][0], client)
    assert isinstance(error, ConnectionFailed)
    assert not isinstance(error, KeyRefused | KeyNotPermitted)
    assert error.kind is kind
    assert detail in error.detail
    assert (error.request_sent, error.http_status) == (False, None)
    is_repeated = kind is FailureKind.PROXY_FAILED and name not in OPERATION_CALLS
    assert error.attempts == (3 if is_repeated else 1)
    assert "secret" not in repr(error.__dict__)
    assert all(KEY.encode() not in request for request in proxy.requests)


@pytest.mark.parametrize("fault", sorted(SLOW_FAULTS))
def test_total_deadline_holds_through_the_proxy(
    start_proxy: StartProxy, make_client: MakeClient, fault: str
) -> None:
    client = make_client(
        "https://api.example",
        proxy=proxy_setting(start_proxy(FAULTS[fault][0])),
        connect_timeout=60,
        read_timeout=60,
        total_timeout=0.4,
    )
    started_at = time.monotonic()
    error = sync_status_error(client)
    assert (error.kind, error.request_sent) == (FailureKind.TOTAL_TIMEOUT, False)
    assert time.monotonic() - started_at < BOUNDED_SECONDS


@pytest.mark.parametrize("behaviour", ["silence", "drip", "head"])
def test_total_deadline_holds_behind_an_open_tunnel(
    start_server: StartServer,
    start_proxy: StartProxy,
    make_client: MakeClient,
    authority: CertificateAuthority,
    behaviour: str,
) -> None:
    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        if behaviour == "silence":
            connection.pause(ENDLESS_SECONDS)
        elif behaviour == "head":
            connection.send_forever(b"HTTP/1.1 103 Early\r\n\r\n", 0.02)
        else:
            connection.send(response_bytes(" " * 50_000)[:-49_000])
            connection.send_forever(b" ", 0.02)

    server = start_server(script, tls=authority.server_context())
    client = make_client(
        server,
        ca_file=authority.ca_file,
        proxy=proxy_setting(start_proxy()),
        read_timeout=60,
        total_timeout=1.5,
    )
    started_at = time.monotonic()
    error = sync_status_error(client)
    assert error.request_sent
    assert error.kind is (
        FailureKind.UNEXPECTED_STATUS if behaviour == "head" else FailureKind.TOTAL_TIMEOUT
    )
    assert time.monotonic() - started_at < BOUNDED_SECONDS


def test_silent_handshake_behind_the_proxy_ends_at_the_connect_limit(
    start_proxy: StartProxy, make_client: MakeClient
) -> None:
    def open_and_fall_silent(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(ESTABLISHED)
        connection.pause(ENDLESS_SECONDS)

    client = make_client(
        "https://api.example",
        proxy=proxy_setting(start_proxy(open_and_fall_silent)),
        connect_timeout=0.3,
        total_timeout=60,
    )
    error = error_of(ALL_CALLS["start_sync"][0], client)
    assert (error.kind, error.request_sent) == (FailureKind.CONNECT_TIMEOUT, False)


def test_nothing_is_sent_before_may_send_allowed_it(
    start_server: StartServer,
    start_proxy: StartProxy,
    make_client: MakeClient,
    authority: CertificateAuthority,
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    proxy = start_proxy()
    client = make_client(server, ca_file=authority.ca_file, proxy=proxy_setting(proxy))
    tunnel_stood: list[bool] = []
    error = error_of(
        lambda client: client.start_sync(
            secret=KEY,
            full=True,
            read_timeout=5,
            may_send=lambda _: (tunnel_stood.append(bool(proxy.targets)), False)[1],
        ),
        client,
    )
    assert (error.kind, error.request_sent, tunnel_stood) == (FailureKind.WITHHELD, False, [True])
    server.close()
    assert server.requests == []


def test_refusal_of_the_api_behind_the_proxy_is_that_of_the_api(
    start_server: StartServer,
    start_proxy: StartProxy,
    make_client: MakeClient,
    authority: CertificateAuthority,
) -> None:
    server = start_server(
        respond_in_turn(response_bytes("", "401 X")), tls=authority.server_context()
    )
    client = make_client(server, ca_file=authority.ca_file, proxy=proxy_setting(start_proxy()))
    assert isinstance(sync_status_error(client), KeyRefused)


@pytest.mark.parametrize(
    ("lookup", "port", "detail"),
    [
        (lambda _host, _port: [], 3128, "name_not_found"),
        (lambda _host, _port: [(2, "127.0.0.1", 1)], 1, "connection_refused"),
    ],
    ids=["unknown", "refusing"],
)
def test_proxy_that_is_not_there_is_named_as_the_fault(
    make_client: MakeClient, lookup: Callable[..., Any], port: int, detail: str
) -> None:
    client = make_client(
        "https://api.example", proxy=Proxy("proxy.example", port), resolver=Resolver(lookup)
    )
    error = error_of(ALL_CALLS["switch_tool"][0], client)
    assert (error.kind, error.detail, error.request_sent) == (
        FailureKind.PROXY_FAILED,
        detail,
        False,
    )


def test_proxy_leaves_no_connection_behind(
    start_server: StartServer,
    start_proxy: StartProxy,
    make_client: MakeClient,
    authority: CertificateAuthority,
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    proxy = start_proxy()
    client = make_client(server, ca_file=authority.ca_file, proxy=proxy_setting(proxy))
    for _ in range(3):
        fetch_sync_status(client)
    assert (proxy.connections, server.connections) == (3, 3)
    proxy.wait_for_connections_end(3)


def test_probe_says_whether_the_proxy_connects_us(start_proxy: StartProxy) -> None:
    far_end, proxy = start_proxy(lambda _: None), start_proxy()
    refusing = start_proxy(answer(b"HTTP/1.1 407 Who\r\n\r\n"))
    good = HttpTransport(proxy=proxy_setting(proxy))
    assert good.probe_proxy("127.0.0.1", far_end.port, seconds=5) is None
    failure = HttpTransport(proxy=proxy_setting(refusing)).probe_proxy("a.example", 443, seconds=5)
    assert failure is not None
    assert (failure.kind, failure.detail) == (TransportFailure.PROXY_REFUSED, "status 407")
    assert HttpTransport().probe_proxy("a.example", 443, seconds=5) is None


def test_environment_names_no_proxy(
    start_server: StartServer, start_proxy: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = start_proxy(), start_server(respond_in_turn(response_bytes()))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.base_url)
        monkeypatch.setenv(name.lower(), proxy.base_url)
    assert exchange(HttpTransport(), server.base_url).status == 200
    assert proxy.connections == 0


def test_address_in_brackets_is_asked_for_in_brackets(start_proxy: StartProxy) -> None:
    proxy = start_proxy(answer(b"HTTP/1.1 403 No\r\n\r\n"))
    transport = HttpTransport(proxy=proxy_setting(proxy))
    error = exchange_error(transport, "https://[2606:2800:220:1::1]:8443/hook")
    assert error.kind is TransportFailure.PROXY_REFUSED
    assert proxy.targets == ["[2606:2800:220:1::1]:8443"]
    assert b"\r\nHost: [2606:2800:220:1::1]:8443\r\n" in proxy.requests[0]

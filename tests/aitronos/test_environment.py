"""Redirects are not followed and the environment has no effect: the key goes to one place alone."""

import logging
from pathlib import Path

import pytest

from freddy_admin.aitronos.errors import ConnectionFailed, FailureKind, UnexpectedStatus
from freddy_admin.outbound.resolver import Resolver
from tests.aitronos.conftest import (
    KEY,
    MakeClient,
    StartServer,
    fetch_sync_status,
    sync_status_error,
)
from tests.aitronos.scripted_server import request_key, respond_in_turn, response_bytes


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["same", "other port", "other name", "plain", "scheme-relative"])
def test_redirect_is_not_followed(
    start_server: StartServer, make_client: MakeClient, status: int, target: str
) -> None:
    other_server = start_server(respond_in_turn(response_bytes()))
    location = {
        "same": "/v1/admin/composio/sync/status?again=1",
        "other port": f"{other_server.base_url}/take",
        "other name": f"http://localhost:{other_server.port}/take",
        "plain": f"http://127.0.0.1:{other_server.port}",
        "scheme-relative": f"//127.0.0.1:{other_server.port}/take",
    }[target]
    server = start_server(
        respond_in_turn(response_bytes("x" * 10, f"{status} X", headers={"Location": location}))
    )
    error = sync_status_error(make_client(server))
    assert isinstance(error, UnexpectedStatus)
    assert (error.http_status, error.attempts) == (status, 1)
    assert (len(server.requests), other_server.connections) == (1, 0)


def test_endless_body_of_a_redirect_is_not_read(
    start_server: StartServer, make_client: MakeClient
) -> None:
    head = "HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 90000000\r\n\r\n"
    error = sync_status_error(
        make_client(start_server(respond_in_turn(head.encode() + b"x" * 70_000)))
    )
    assert isinstance(error, UnexpectedStatus)
    assert error.elapsed_ms < 100


@pytest.fixture
def hostile_environment(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> list[bytes]:
    """Everything in the environment that `requests` would obey; what the proxy got to see."""
    proxy = start_server(respond_in_turn(response_bytes()))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.base_url)
        monkeypatch.setenv(name.lower(), proxy.base_url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "nowhere.example")
    (tmp_path / ".netrc").write_text("default login someone password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "nothing-here"))
    return proxy.requests


def test_proxy_and_netrc_of_the_environment_are_ignored(
    hostile_environment: list[bytes], start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    assert fetch_sync_status(make_client(server)).value.total_tools == 42
    assert hostile_environment == []
    assert b"authorization" not in server.requests[0].lower()
    assert b"someone" not in server.requests[0]
    assert request_key(server.requests[0]) == KEY


def test_proxy_is_not_asked_for_an_unknown_host_name(
    hostile_environment: list[bytes], make_client: MakeClient
) -> None:
    resolver = Resolver(lambda _host, _port: [])
    error = sync_status_error(make_client("https://api.example", resolver=resolver))
    assert isinstance(error, ConnectionFailed)
    assert error.kind is FailureKind.NAME_NOT_FOUND
    assert hostile_environment == []


def test_ca_bundle_of_the_environment_is_ignored(
    hostile_environment: list[bytes], make_client: MakeClient, tmp_path: Path
) -> None:
    # The client reads the list of certifi, though the files that the environment names are missing.
    make_client("https://127.0.0.1:1")
    assert not (tmp_path / "keys.log").exists()


def test_cookies_are_not_kept(start_server: StartServer, make_client: MakeClient) -> None:
    server = start_server(
        respond_in_turn(response_bytes(headers={"Set-Cookie": "tenant=a; Path=/"}))
    )
    client = make_client(server)
    for _ in range(3):
        fetch_sync_status(client)
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_malformed_head_is_not_logged(
    start_server: StartServer, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    response = b"HTTP/1.1 200 OK\r\n" + KEY.encode() + b"\r\nContent-Length: 2\r\n\r\n{}"
    sync_status_error(make_client(start_server(respond_in_turn(response))))
    assert KEY not in caplog.text

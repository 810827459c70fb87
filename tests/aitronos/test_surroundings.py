"""Redirects are not followed and the environment has no effect: the key goes to one place alone."""

import logging
from pathlib import Path

import pytest

from freddy_admin.aitronos.errors import ConnectionFailed, FailureKind, UnexpectedStatus
from freddy_admin.aitronos.resolving import Resolver
from tests.aitronos.conftest import KEY, MakeClient, Serve, ask, failure
from tests.aitronos.wire import answer, key_of, says


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["same", "other port", "other name", "plain", "scheme-relative"])
def test_a_redirect_is_not_followed_anywhere(
    serve: Serve, make_client: MakeClient, status: int, target: str
) -> None:
    other = serve(says(answer()))
    location = {
        "same": "/v1/admin/composio/sync/status?again=1",
        "other port": f"{other.base_url}/take",
        "other name": f"http://localhost:{other.port}/take",
        "plain": f"http://127.0.0.1:{other.port}",
        "scheme-relative": f"//127.0.0.1:{other.port}/take",
    }[target]
    server = serve(says(answer("x" * 10, f"{status} X", headers={"Location": location})))
    error = failure(make_client(server))
    assert isinstance(error, UnexpectedStatus)
    assert (error.http_status, error.attempts) == (status, 1)
    assert (len(server.requests), other.connections) == (1, 0)


def test_the_body_of_a_redirect_is_not_read_for_ever(serve: Serve, make_client: MakeClient) -> None:
    head = "HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 90000000\r\n\r\n"
    error = failure(make_client(serve(says(head.encode() + b"x" * 70_000))))
    assert isinstance(error, UnexpectedStatus)
    assert error.elapsed_ms < 100


@pytest.fixture
def hostile(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[bytes]:
    """Everything in the environment that `requests` would obey; what the proxy got to see."""
    proxy = serve(says(answer()))
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


def test_no_proxy_and_no_netrc_is_obeyed(
    hostile: list[bytes], serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer()))
    assert ask(make_client(server)).value.total_tools == 42
    assert hostile == []
    assert b"authorization" not in server.requests[0].lower()
    assert b"someone" not in server.requests[0]
    assert key_of(server.requests[0]) == KEY


def test_a_proxy_is_not_asked_for_a_name_that_cannot_be_found(
    hostile: list[bytes], make_client: MakeClient
) -> None:
    resolver = Resolver(lambda _host, _port: [])
    error = failure(make_client("https://api.example", resolver=resolver))
    assert isinstance(error, ConnectionFailed)
    assert error.kind is FailureKind.NAME_NOT_FOUND
    assert hostile == []


def test_a_trust_list_from_the_environment_changes_nothing(
    hostile: list[bytes], make_client: MakeClient, tmp_path: Path
) -> None:
    make_client(
        "https://127.0.0.1:1"
    )  # reads the list of certifi, though the named ones are missing
    assert not (tmp_path / "keys.log").exists()


def test_no_cookie_is_kept(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer(headers={"Set-Cookie": "tenant=a; Path=/"})))
    client = make_client(server)
    for connection in ("1.1", "1.1", "2.1"):
        ask(client, connection)
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_a_malformed_head_is_not_logged(
    serve: Serve, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lines = b"HTTP/1.1 200 OK\r\n" + KEY.encode() + b"\r\nContent-Length: 2\r\n\r\n{}"
    failure(make_client(serve(says(lines))))
    assert KEY not in caplog.text

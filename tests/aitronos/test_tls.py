"""Certificates are checked, failures of them are final, and the limits hold there as well."""

import ssl
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import ConnectionFailed, FailureKind, RequestTimedOut
from freddy_admin.outbound.tls import create_tls_context
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
    ScriptedConnection,
    respond_in_turn,
    response_bytes,
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


def test_trusted_certificate_is_accepted(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    client = make_client(server, ca_file=authority.ca_file)
    assert [fetch_sync_status(client).value.total_tools for _ in range(3)] == [42, 42, 42]
    assert (server.connections, len(server.requests)) == (3, 3)


@pytest.mark.parametrize(
    ("host", "lasts", "detail"),
    [
        ("127.0.0.1", timedelta(days=-1), "expired"),
        ("127.0.0.2", timedelta(days=9), "mismatch"),
        ("localhost", timedelta(days=9), "mismatch"),
    ],
)
def test_bad_certificate_is_a_final_error_with_its_reason(
    start_server: StartServer,
    make_client: MakeClient,
    authority: CertificateAuthority,
    host: str,
    lasts: timedelta,
    detail: str,
) -> None:
    server = start_server(
        respond_in_turn(response_bytes()), tls=authority.server_context(host, lasts)
    )
    error = sync_status_error(make_client(server, ca_file=authority.ca_file))
    assert isinstance(error, ConnectionFailed)
    assert (error.kind, error.attempts) == (FailureKind.TLS, 1)
    assert detail in error.detail
    assert (server.connections, server.requests) == (1, [])


def test_unknown_authority_is_not_trusted(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    error = sync_status_error(make_client(server))
    assert error.kind is FailureKind.TLS
    assert (server.connections, server.requests) == (1, [])


def test_other_authority_is_not_trusted(
    start_server: StartServer,
    make_client: MakeClient,
    authority: CertificateAuthority,
    tmp_path: Any,
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    other_authority = CertificateAuthority(tmp_path, "stranger")
    assert (
        sync_status_error(make_client(server, ca_file=other_authority.ca_file)).kind
        is FailureKind.TLS
    )


def test_all_keys_share_one_tls_context(
    start_server: StartServer,
    make_client: MakeClient,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    client = make_client(server, ca_file=authority.ca_file)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a list of authorities was read for a call")

    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", refuse)
    monkeypatch.setattr("ssl.SSLContext.load_default_certs", refuse)
    for _ in range(3):
        fetch_sync_status(client)
    assert server.connections == 3


def test_environment_changes_neither_trust_nor_key_logging(
    start_server: StartServer,
    make_client: MakeClient,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, authority.ca_file)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    assert sync_status_error(make_client(server)).kind is FailureKind.TLS
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    assert fetch_sync_status(make_client(server, ca_file=authority.ca_file)).value.total_tools == 42
    assert list(tmp_path.iterdir()) == []


def test_tls_context_requires_a_certificate_and_a_host_name() -> None:
    server_context = create_tls_context()
    assert server_context.verify_mode is ssl.CERT_REQUIRED
    assert server_context.check_hostname
    assert server_context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert server_context.keylog_filename is None


def test_server_with_old_tls_versions_alone_is_refused(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority
) -> None:
    def alert(connection: ScriptedConnection) -> None:
        connection.sock.recv(65_536)
        connection.send(b"\x15\x03\x01\x00\x02\x02\x46")  # fatal: protocol version
        connection.pause(5)

    server = start_server(alert)
    error = sync_status_error(
        make_client(server.base_url.replace("http:", "https:"), ca_file=authority.ca_file)
    )
    assert (error.kind, error.attempts) == (FailureKind.TLS, 1)


def test_server_without_tls_gets_no_request(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority
) -> None:
    def respond_without_tls(connection: ScriptedConnection) -> None:
        connection.sock.recv(65_536)
        connection.send(response_bytes())

    server = start_server(respond_without_tls)
    error = sync_status_error(
        make_client(server.base_url.replace("http:", "https:"), ca_file=authority.ca_file)
    )
    assert error.kind is FailureKind.TLS


def test_silent_handshake_ends_at_the_connect_limit(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority
) -> None:
    server = start_server(lambda connection: connection.pause(ENDLESS_SECONDS))
    client = make_client(
        server.base_url.replace("http:", "https:"),
        ca_file=authority.ca_file,
        connect_timeout=0.1,
        total_timeout=60,
    )
    started_at = time.monotonic()
    error = sync_status_error(client)
    assert error.kind is FailureKind.CONNECT_TIMEOUT
    assert time.monotonic() - started_at < BOUNDED_SECONDS


def test_dripping_handshake_ends_at_the_connect_limit(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority
) -> None:
    def drips(connection: ScriptedConnection) -> None:
        connection.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
        connection.send_forever(b"\x00", 0.02)

    server = start_server(drips)
    client = make_client(
        server.base_url.replace("http:", "https:"),
        ca_file=authority.ca_file,
        connect_timeout=0.1,
        total_timeout=60,
    )
    started_at = time.monotonic()
    error = sync_status_error(client)
    assert error.kind is FailureKind.CONNECT_TIMEOUT
    assert time.monotonic() - started_at < BOUNDED_SECONDS


def test_dripping_body_over_tls_ends_at_the_deadline(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority
) -> None:
    def drips(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(response_bytes(" " * 50_000)[:-49_000])
        connection.send_forever(b" ", 0.02)

    server = start_server(drips, tls=authority.server_context())
    started_at = time.monotonic()
    error = sync_status_error(make_client(server, ca_file=authority.ca_file, total_timeout=1.5))
    assert isinstance(error, RequestTimedOut)
    assert time.monotonic() - started_at < BOUNDED_SECONDS


@pytest.mark.parametrize(
    "end_connection", [ScriptedConnection.reset, lambda _: None], ids=["reset", "closed"]
)
def test_connection_broken_in_the_handshake_is_retried(
    start_server: StartServer,
    make_client: MakeClient,
    authority: CertificateAuthority,
    end_connection: Any,
) -> None:
    def break_first_connection(connection: ScriptedConnection) -> None:
        connection.sock.recv(65_536)
        end_connection(connection)

    server = start_server(break_first_connection)
    client = make_client(
        server.base_url.replace("http:", "https:"), ca_file=authority.ca_file, total_timeout=5
    )
    error = sync_status_error(client)
    assert error.kind is FailureKind.CONNECTION_LOST
    assert error.attempts == server.connections == 3


def test_many_threads_share_the_tls_context(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    client = make_client(
        server, ca_file=authority.ca_file, connect_timeout=5, read_timeout=5, total_timeout=9
    )
    figures: list[int] = []
    threads = [threading.Thread(target=_fetch_and_record, args=(client, figures)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert figures == [42] * 16


def _fetch_and_record(client: AitronosClient, figures: list[int]) -> None:
    for _ in range(2):
        response = client.get_sync_status(secret=KEY)
        figures.append(response.value.total_tools)

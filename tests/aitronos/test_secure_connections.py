"""Certificates are checked, failures of them are final, and the limits hold there as well."""

import ssl
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from freddy_admin.aitronos.adapters import tls_context
from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import ConnectionFailed, FailureKind, TimedOut
from tests.aitronos.certificates import Authority
from tests.aitronos.conftest import BOUNDED, KEY, MakeClient, Serve, ask, failure
from tests.aitronos.wire import ENDLESS, Talk, answer, once, says


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def test_a_good_certificate_is_believed_and_its_connection_used_again(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    wire = serve(says(answer()), tls=authority.context())
    client = make_client(wire, ca_file=authority.ca_file)
    assert [ask(client).value.total_tools for _ in range(3)] == [42, 42, 42]
    assert (wire.connections, len(wire.requests)) == (1, 3)


@pytest.mark.parametrize(
    ("host", "lasts", "said"),
    [
        ("127.0.0.1", timedelta(days=-1), "expired"),
        ("127.0.0.2", timedelta(days=9), "mismatch"),
        ("localhost", timedelta(days=9), "mismatch"),
    ],
)
def test_a_bad_certificate_is_final_and_said(
    serve: Serve,
    make_client: MakeClient,
    authority: Authority,
    host: str,
    lasts: timedelta,
    said: str,
) -> None:
    wire = serve(says(answer()), tls=authority.context(host, lasts))
    error = failure(make_client(wire, ca_file=authority.ca_file))
    assert isinstance(error, ConnectionFailed)
    assert (error.kind, error.retryable, error.attempts) == (FailureKind.TLS, False, 1)
    assert said in error.detail
    assert (wire.connections, wire.requests) == (1, [])


def test_an_unknown_authority_is_not_believed(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    wire = serve(says(answer()), tls=authority.context())
    error = failure(make_client(wire))
    assert (error.kind, error.retryable) == (FailureKind.TLS, False)
    assert (wire.connections, wire.requests) == (1, [])


def test_another_authority_is_not_believed(
    serve: Serve, make_client: MakeClient, authority: Authority, tmp_path: Any
) -> None:
    wire = serve(says(answer()), tls=authority.context())
    stranger = Authority(tmp_path, "stranger")
    assert failure(make_client(wire, ca_file=stranger.ca_file)).kind is FailureKind.TLS


def test_all_keys_share_one_context_and_no_list_is_read_twice(
    serve: Serve,
    make_client: MakeClient,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = serve(says(answer()), tls=authority.context())
    client = make_client(wire, ca_file=authority.ca_file)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a list of authorities was read for a call")

    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", refuse)
    monkeypatch.setattr("ssl.SSLContext.load_default_certs", refuse)
    for number in range(3):
        ask(client, connection=f"{number}.1")
    assert wire.connections == 3


def test_no_environment_makes_a_stranger_known_or_writes_keys_down(
    serve: Serve,
    make_client: MakeClient,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, authority.ca_file)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    wire = serve(says(answer()), tls=authority.context())
    assert failure(make_client(wire)).kind is FailureKind.TLS
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    assert ask(make_client(wire, ca_file=authority.ca_file)).value.total_tools == 42
    assert list(tmp_path.iterdir()) == []


def test_the_context_asks_for_a_certificate_and_for_a_name() -> None:
    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None


def test_a_server_that_knows_only_old_versions_is_refused(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    def alert(talk: Talk) -> None:
        talk.connection.recv(65_536)
        talk.send(b"\x15\x03\x01\x00\x02\x02\x46")  # fatal: protocol version
        talk.pause(5)

    wire = serve(alert)
    error = failure(
        make_client(wire.base_url.replace("http:", "https:"), ca_file=authority.ca_file)
    )
    assert (error.kind, error.attempts) == (FailureKind.TLS, 1)


def test_a_server_without_tls_gets_no_request(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    def plain(talk: Talk) -> None:
        talk.connection.recv(65_536)
        talk.send(answer())

    wire = serve(plain)
    error = failure(
        make_client(wire.base_url.replace("http:", "https:"), ca_file=authority.ca_file)
    )
    assert error.kind is FailureKind.TLS


def test_a_handshake_that_never_goes_on_ends_at_the_connect_limit(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    wire = serve(lambda talk: talk.pause(ENDLESS))
    client = make_client(
        wire.base_url.replace("http:", "https:"),
        ca_file=authority.ca_file,
        connect_timeout=0.1,
        total_timeout=60,
    )
    started = time.monotonic()
    error = failure(client)
    assert error.kind is FailureKind.CONNECT_TIMEOUT
    assert time.monotonic() - started < BOUNDED


def test_a_handshake_in_drips_ends_at_the_connect_limit(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    def drips(talk: Talk) -> None:
        talk.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
        talk.drip(b"\x00", 0.02)

    wire = serve(drips)
    client = make_client(
        wire.base_url.replace("http:", "https:"),
        ca_file=authority.ca_file,
        connect_timeout=0.1,
        total_timeout=60,
    )
    started = time.monotonic()
    error = failure(client)
    assert error.kind is FailureKind.CONNECT_TIMEOUT
    assert time.monotonic() - started < BOUNDED


def test_a_body_in_drips_ends_at_the_deadline_behind_tls_too(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    def drips(talk: Talk) -> None:
        talk.request()
        talk.send(answer(" " * 50_000)[:-49_000])
        talk.drip(b" ", 0.02)

    wire = serve(drips, tls=authority.context())
    started = time.monotonic()
    error = failure(make_client(wire, ca_file=authority.ca_file, total_timeout=1.5))
    assert isinstance(error, TimedOut)
    assert time.monotonic() - started < BOUNDED


@pytest.mark.parametrize("how", [Talk.reset, lambda _: None], ids=["reset", "closed"])
def test_a_connection_broken_in_the_handshake_is_lost_and_tried_again(
    serve: Serve, make_client: MakeClient, authority: Authority, how: Any
) -> None:
    def broken(talk: Talk) -> None:
        talk.connection.recv(65_536)
        how(talk)

    wire = serve(broken)
    client = make_client(
        wire.base_url.replace("http:", "https:"), ca_file=authority.ca_file, total_timeout=5
    )
    error = failure(client)
    assert (error.kind, error.retryable) == (FailureKind.CONNECTION_LOST, True)
    assert error.attempts == wire.connections == 3


def test_a_connection_behind_tls_that_was_closed_while_idle_is_made_anew(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    wire = serve(once(answer()), tls=authority.context())
    client = make_client(wire, ca_file=authority.ca_file)
    ask(client)
    assert ask(client).value.total_tools == 42
    assert wire.connections == 2


def test_many_threads_share_the_context(
    serve: Serve, make_client: MakeClient, authority: Authority
) -> None:
    wire = serve(says(answer()), tls=authority.context())
    client = make_client(
        wire, ca_file=authority.ca_file, connect_timeout=5, read_timeout=5, total_timeout=9
    )
    seen: list[int] = []
    threads = [threading.Thread(target=_asker, args=(client, n, seen)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [42] * 16


def _asker(client: AitronosClient, number: int, seen: list[int]) -> None:
    for _ in range(2):
        answered = client.get_sync_status(secret=KEY, connection=f"{number}.1")
        seen.append(answered.value.total_tools)

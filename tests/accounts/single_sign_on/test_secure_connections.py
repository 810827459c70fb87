"""Over https the provider's certificate is checked, and a handshake has a limit, too."""

import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.single_sign_on import talking
from tests.accounts.single_sign_on.conftest import BEGIN, came_back, told, who
from tests.accounts.single_sign_on.provider import CLIENT_ID, CLIENT_SECRET, Provider, running
from tests.aitronos.certificates import YEAR, Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure(settings: Any, db: None) -> Iterator[Provider]:
    made = Provider()
    server = running(made)
    settings.OIDC_ISSUER = made.issuer = made.issuer.replace("http:", "https:")
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.OIDC_NAME = "Example Login"
    made.server = server  # type: ignore[attr-defined]
    yield made
    server.shutdown()
    server.server_close()


def _wrap(provider: Provider, context: ssl.SSLContext) -> None:
    server: ThreadingHTTPServer = provider.server  # type: ignore[attr-defined]
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )


def _trusts(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    def context() -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.load_verify_locations(authority.ca_file)
        return made

    monkeypatch.setattr(talking, "secure_context", context)


def test_a_good_certificate_lets_a_person_in(
    client: Client,
    secure: Provider,
    ada: User,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _wrap(secure, authority.context())
    _trusts(monkeypatch, authority)
    came_back(client, secure)
    assert who(client) == ada.pk


@pytest.mark.parametrize(
    ("host", "lasts", "trusted"),
    [("127.0.0.1", YEAR, False), ("127.0.0.2", YEAR, True), ("127.0.0.1", timedelta(-1), True)],
)
def test_a_bad_one_lets_nobody_in(
    client: Client,
    secure: Provider,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    lasts: timedelta,
    trusted: bool,
) -> None:
    _wrap(secure, authority.context(host, lasts))
    if trusted:
        _trusts(monkeypatch, authority)
    assert "could not be reached" in told(client, client.get(BEGIN))
    assert not secure.asked


def test_a_handshake_that_never_ends(
    client: Client, secure: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "TOTAL_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.OIDC_ISSUER = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert "could not be reached" in told(client, client.get(BEGIN))


def test_addresses_without_https_are_not_used(
    client: Client,
    secure: Provider,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _wrap(secure, authority.context())
    _trusts(monkeypatch, authority)
    secure.configuration = {"token_endpoint": secure.issuer.replace("https:", "http:")}
    assert "could not be reached" in told(client, client.get(BEGIN))

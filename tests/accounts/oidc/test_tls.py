"""Over https the provider's certificate is checked, and the TLS handshake has a time-out."""

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
from freddy_admin.accounts.oidc import http
from tests.accounts.oidc.conftest import (
    LOGIN_PATH,
    followed_page,
    sign_in_through_provider,
    signed_in_user_id,
)
from tests.accounts.oidc.fake_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    FakeProvider,
    start_provider_server,
)
from tests.aitronos.certificates import YEAR, CertificateAuthority


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


@pytest.fixture
def https_provider(settings: Any, db: None) -> Iterator[FakeProvider]:
    fake_provider = FakeProvider()
    server = start_provider_server(fake_provider)
    settings.OIDC_ISSUER = fake_provider.issuer = fake_provider.issuer.replace("http:", "https:")
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.OIDC_NAME = "Example Login"
    fake_provider.server = server  # type: ignore[attr-defined]
    yield fake_provider
    server.shutdown()
    server.server_close()


def wrap_with_tls(provider: FakeProvider, context: ssl.SSLContext) -> None:
    server: ThreadingHTTPServer = provider.server  # type: ignore[attr-defined]
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )


def test_valid_certificate_lets_a_person_sign_in(
    client: Client,
    https_provider: FakeProvider,
    ada: User,
    authority: CertificateAuthority,
    settings: Any,
) -> None:
    wrap_with_tls(https_provider, authority.server_context())
    settings.OUTBOUND_CA_FILE = authority.ca_file
    sign_in_through_provider(client, https_provider)
    assert signed_in_user_id(client) == ada.pk


@pytest.mark.parametrize(
    ("host", "lifetime", "is_trusted"),
    [("127.0.0.1", YEAR, False), ("127.0.0.2", YEAR, True), ("127.0.0.1", timedelta(-1), True)],
)
def test_invalid_certificate_lets_nobody_sign_in(
    client: Client,
    https_provider: FakeProvider,
    authority: CertificateAuthority,
    settings: Any,
    host: str,
    lifetime: timedelta,
    is_trusted: bool,
) -> None:
    wrap_with_tls(https_provider, authority.server_context(host, lifetime))
    if is_trusted:
        settings.OUTBOUND_CA_FILE = authority.ca_file
    assert "could not be reached" in followed_page(client, client.get(LOGIN_PATH))
    assert not https_provider.requested_paths


def test_hanging_tls_handshake_is_given_up(
    client: Client, https_provider: FakeProvider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.OIDC_ISSUER = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert "could not be reached" in followed_page(client, client.get(LOGIN_PATH))


def test_endpoints_without_https_are_not_used(
    client: Client,
    https_provider: FakeProvider,
    authority: CertificateAuthority,
    settings: Any,
) -> None:
    wrap_with_tls(https_provider, authority.server_context())
    settings.OUTBOUND_CA_FILE = authority.ca_file
    https_provider.configuration = {
        "token_endpoint": https_provider.issuer.replace("https:", "http:")
    }
    assert "could not be reached" in followed_page(client, client.get(LOGIN_PATH))

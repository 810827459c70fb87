from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from freddy_admin.accounts.oidc import http
from tests.accounts.oidc.fake_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    FakeProvider,
    start_provider_server,
)

LOGIN_PATH, CALLBACK_PATH = "/accounts/single-sign-on/", "/accounts/single-sign-on/return/"


@pytest.fixture
def provider(settings: Any, db: None) -> Iterator[FakeProvider]:
    fake_provider = FakeProvider()
    server = start_provider_server(fake_provider)
    settings.OIDC_ISSUER = fake_provider.issuer
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.OIDC_NAME = "Example Login"
    yield fake_provider
    fake_provider.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function that shortens the time-outs of calls to the provider from then on."""

    def shorten() -> None:
        monkeypatch.setattr(http, "READ_SECONDS", 0.5)
        monkeypatch.setattr(http, "TOTAL_SECONDS", 1.0)

    return shorten


def sign_in_through_provider(
    client: Client, provider: FakeProvider, start_path: str = LOGIN_PATH, **overrides: str
) -> HttpResponse:
    """Sign in at the provider; the callback's response. `overrides` replaces its parameters."""
    authorization_url = client.get(start_path)["Location"]
    assert authorization_url.startswith(f"{provider.issuer}/authorize?"), authorization_url
    state = parse_qs(urlsplit(authorization_url).query)["state"][0]
    query = {"state": state, "code": provider.authorize(authorization_url)} | overrides
    return client.get(CALLBACK_PATH, {name: value for name, value in query.items() if value})


def followed_page(client: Client, response: HttpResponse) -> str:
    """The text of the page that `response` redirects to."""
    assert response.status_code == 302
    followed_response = client.get(response["Location"], follow=True)
    assert followed_response.status_code == 200
    return followed_response.content.decode()


def signed_in_user_id(client: Client) -> int | None:
    """The id of the signed-in person; None for a visitor."""
    user_id = client.session.get("_auth_user_id")
    return int(user_id) if user_id else None

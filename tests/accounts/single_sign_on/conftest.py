from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from freddy_admin.accounts.single_sign_on import talking
from tests.accounts.single_sign_on.provider import CLIENT_ID, CLIENT_SECRET, Provider, running

BEGIN, RETURN = "/accounts/single-sign-on/", "/accounts/single-sign-on/return/"


@pytest.fixture
def provider(settings: Any, db: None) -> Iterator[Provider]:
    made = Provider()
    server = running(made)
    settings.OIDC_ISSUER = made.issuer
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.OIDC_NAME = "Example Login"
    yield made
    made.let_go.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on a call has to be over in much less than a person would wait."""

    def hurried() -> None:
        monkeypatch.setattr(talking, "READ_SECONDS", 0.5)
        monkeypatch.setattr(talking, "TOTAL_SECONDS", 1.0)

    return hurried


def came_back(
    client: Client, provider: Provider, begin: str = BEGIN, **instead: str
) -> HttpResponse:
    """To the provider, in there, and back; `instead` replaces what comes back."""
    address = client.get(begin)["Location"]
    assert address.startswith(f"{provider.issuer}/authorize?"), address
    state = parse_qs(urlsplit(address).query)["state"][0]
    values = {"state": state, "code": provider.let_in(address)} | instead
    return client.get(RETURN, {name: value for name, value in values.items() if value})


def told(client: Client, answer: HttpResponse) -> str:
    """The page that an answer leads to."""
    assert answer.status_code == 302
    page = client.get(answer["Location"], follow=True)
    assert page.status_code == 200
    return page.content.decode()


def who(client: Client) -> int | None:
    """Who is signed in."""
    found = client.session.get("_auth_user_id")
    return int(found) if found else None

"""SECRET_KEY is replaced while people work: with the former one named, nobody notices."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.core.configuration import former_secret_keys
from tests.accounts.conftest import sign_in

pytestmark = pytest.mark.django_db
NEW = "another-secret-key-0123456789-abcdefghijkl"


@pytest.fixture
def former(client: Client, ada: User, settings: Settings) -> Iterator[str]:
    """The key under which Ada signed in; by now another one is in use."""
    sign_in(client, ada.email)
    key = settings.SECRET_KEY
    settings.SECRET_KEY = NEW
    return key


def test_sessions_go_on_where_the_former_key_is_named(
    client: Client, settings: Settings, former: str
) -> None:
    settings.SECRET_KEY_FALLBACKS = former_secret_keys(f" {former} ,", present=NEW)
    assert client.get("/profile/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/profile/").status_code == 200, "it is signed with the new one by now"


def test_sessions_end_where_it_is_not(client: Client, former: str) -> None:
    assert client.get("/profile/").status_code == 302

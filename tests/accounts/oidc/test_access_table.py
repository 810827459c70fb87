"""Access to the pages of single sign-on: by person and method, with and without a provider."""

from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from tests.accounts.conftest import sign_in
from tests.accounts.oidc.conftest import CALLBACK_PATH, LOGIN_PATH, sign_in_through_provider
from tests.accounts.oidc.fake_provider import FakeProvider

CONFIRM = f"{LOGIN_PATH}confirm/"
WHO = ("signed out", "by password", "by single sign-on")
# Status codes of GET and of POST, by client.
ON = {
    LOGIN_PATH: ((302, 302, 302), (405, 405, 405)),
    CALLBACK_PATH: ((302, 302, 302), (405, 405, 405)),
    CONFIRM: ((302, 404, 200), (302, 405, 405)),
}
OFF = {
    LOGIN_PATH: ((404, 404, 404), (405, 405, 405)),
    CALLBACK_PATH: ((404, 404, 404), (405, 405, 405)),
    CONFIRM: ((302, 404, 404), (302, 405, 405)),
}


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("address", ON)
def test_an_address_answers_each_person_as_the_table_says(
    address: str, is_on: bool, provider: FakeProvider, ada: User, admin: User, settings: Any
) -> None:
    clients = [Client(), Client(), Client()]
    sign_in(clients[1], admin.email)
    sign_in_through_provider(clients[2], provider)
    if not is_on:
        settings.OIDC_ISSUER = ""
    gets = tuple(test_client.get(address).status_code for test_client in clients)
    posts = tuple(test_client.post(address).status_code for test_client in clients)
    assert (gets, posts) == (ON if is_on else OFF)[address]

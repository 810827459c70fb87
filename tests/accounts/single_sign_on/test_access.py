"""Who may open its addresses: a row for each, on and off, tried by everyone with every method."""

from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from tests.accounts.conftest import sign_in
from tests.accounts.single_sign_on.conftest import BEGIN, RETURN, came_back
from tests.accounts.single_sign_on.provider import Provider

CONFIRM = f"{BEGIN}confirm/"
WHO = ("signed out", "by password", "by single sign-on")
# Answers to GET and to POST, by who asks.
ON = {
    BEGIN: ((302, 302, 302), (405, 405, 405)),
    RETURN: ((302, 302, 302), (405, 405, 405)),
    CONFIRM: ((302, 404, 200), (302, 405, 405)),
}
OFF = {
    BEGIN: ((404, 404, 404), (405, 405, 405)),
    RETURN: ((404, 404, 404), (405, 405, 405)),
    CONFIRM: ((302, 404, 404), (302, 405, 405)),
}


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("address", ON)
def test_an_address_answers_each_person_as_the_table_says(
    address: str, is_on: bool, provider: Provider, ada: User, admin: User, settings: Any
) -> None:
    clients = [Client(), Client(), Client()]
    sign_in(clients[1], admin.email)
    came_back(clients[2], provider)
    if not is_on:
        settings.OIDC_ISSUER = ""
    gets = tuple(one.get(address).status_code for one in clients)
    posts = tuple(one.post(address).status_code for one in clients)
    assert (gets, posts) == (ON if is_on else OFF)[address]

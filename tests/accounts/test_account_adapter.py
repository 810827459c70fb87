"""Hooks of the account adapter that no page of the panel reaches."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from freddy_admin.accounts.auth.adapters import AccountAdapter
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import actor_from_request


def test_nobody_makes_an_account_for_themselves() -> None:
    assert not AccountAdapter().is_open_for_signup(RequestFactory().get("/"))


def test_inactive_person_is_sent_back_without_a_message() -> None:
    response = AccountAdapter().respond_user_inactive(RequestFactory().get("/"), User())

    assert (response.status_code, response["Location"]) == (302, "/accounts/login/")


def test_a_request_over_a_unix_socket_is_throttled_under_no_address() -> None:
    assert AccountAdapter().get_client_ip(RequestFactory(REMOTE_ADDR="").get("/")) == "0.0.0.0"


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_a_visitor_acts_under_no_name(user: object) -> None:
    request = RequestFactory(REMOTE_ADDR="192.0.2.1").get("/")
    request.user = user
    actor = actor_from_request(request)

    assert (actor.name, actor.id) == ("somebody not signed in", None)
    assert actor.address == "192.0.2.1"


def test_a_person_acts_under_their_name() -> None:
    request = RequestFactory().get("/")
    request.user = User(pk=7, email="ada@example.org", name="Ada")

    assert (actor_from_request(request).name, actor_from_request(request).id) == (
        "Ada (ada@example.org)",
        7,
    )

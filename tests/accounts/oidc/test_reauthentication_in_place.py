"""Each method of reauthentication in place: the request that waited for it is done then."""

import json
import re
import time
from html import unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.people import person_get_or_create
from tests.accounts.conftest import ACTOR, current_totp_code, set_up_second_factor, sign_in
from tests.accounts.oidc.conftest import sign_in_through_provider, signed_in_user_id
from tests.accounts.oidc.fake_provider import FakeProvider
from tests.accounts.virtual_passkey import VirtualPasskey, localhost_client, passkey_add
from tests.web.conftest import mark_reauthenticated
from tests.web.reauthentication import reauthentication_fields

NEW = "/profile/tokens/new/"
FIELDS = {"name": "Status board", "scope": "read", "days": "90", "reach": "all"}


def age_authentication(client: Client, user: User) -> None:
    mark_reauthenticated(client, user, minutes_ago=16)


def token_names() -> list[str]:
    return list(ApiToken.objects.values_list("name", flat=True))


@pytest.fixture
def bea(client: Client, provider: FakeProvider) -> User:
    """A person without a password, signed in through the provider without `auth_time`."""
    bea = person_get_or_create(actor=ACTOR, email="bea@example.org", password=None)[0]
    provider.claims = {"email": bea.email}
    sign_in_through_provider(client, provider)
    assert signed_in_user_id(client) == bea.pk
    return bea


def provider_button_url(response: Any) -> str:
    """The URL of the button to the provider."""
    match = re.search(r'href="(/accounts/single-sign-on/confirm/[^"]+)"', response.content.decode())
    assert match
    return unescape(match[1])


def test_code_reauthenticates_in_place(client: Client, ada: User) -> None:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    Authenticator.objects.update(last_used_at=None)
    age_authentication(client, ada)
    password_page = client.post(NEW, FIELDS)
    assert "Use a code of your app" in password_page.content.decode()

    code_page = client.post(NEW, reauthentication_fields(password_page) | {"confirm-other": "code"})
    assert 'name="confirm-code"' in code_page.content.decode()
    assert reauthentication_fields(code_page)["confirm-with"] == ["code"]
    error_page = client.post(NEW, reauthentication_fields(code_page) | {"confirm-code": "000000"})
    assert "This was not accepted" in error_page.content.decode()
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    client.post(NEW, reauthentication_fields(error_page) | {"confirm-code": codes[0]})
    assert token_names() == ["Status board"]


def test_passkey_reauthenticates_in_place(ada: User) -> None:
    phone, client = VirtualPasskey(), localhost_client()
    sign_in(client, ada.email)
    assert passkey_add(client, phone).status_code == 302
    age_authentication(client, ada)
    password_page = client.post(NEW, FIELDS)
    passkey_page = client.post(
        NEW, reauthentication_fields(password_page) | {"confirm-other": "passkey"}
    )
    page = passkey_page.content.decode()
    assert "Use one of your passkeys" in page
    assert 'data-passkey="authenticateForm"' in page

    error_page = client.post(
        NEW, reauthentication_fields(passkey_page) | {"confirm-credential": '{"response": {}}'}
    )
    assert "This passkey is not known here" in error_page.content.decode()
    options = error_page.context["js_data"]["request_options"]
    credential = json.dumps(phone.authentication_response(options, person=ada.pk))
    fields = reauthentication_fields(error_page) | {"confirm-credential": credential}
    client.post(NEW, fields)
    assert token_names() == ["Status board"]
    # The passkey's response works once.
    age_authentication(client, ada)
    client.post(NEW, fields)
    assert len(token_names()) == 1


def test_request_stored_for_the_provider_waits_for_a_button(
    client: Client, bea: User, provider: FakeProvider
) -> None:
    response = client.post(NEW, FIELDS | {"password": "planted-secret"})
    assert "planted-secret" not in str(dict(client.session))
    provider.claims |= {"auth_time": int(time.time())}
    callback_response = sign_in_through_provider(client, provider, provider_button_url(response))
    page = client.get(callback_response["Location"])
    assert token_names() == []
    assert "What you asked for is not done yet" in page.content.decode()

    text = page.content.decode()
    action = re.search(r'<form method="post" action="([^"]+)" data-lock>', text)
    assert action
    fields = dict(re.findall(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"', text))
    assert action[1] == NEW
    client.post(action[1], fields)
    assert token_names() == ["Status board"]
    # The stored request is used up.
    assert client.get(callback_response["Location"])["Location"] == "/"


def test_stored_request_belongs_to_its_person_alone(
    client: Client, bea: User, ada: User, provider: FakeProvider
) -> None:
    provider_url = provider_button_url(client.post(NEW, FIELDS))
    match = re.search(r"kept%3D([\w-]+)", provider_url)
    assert match
    resume_path = f"/accounts/confirmed/?kept={match[1]}"
    # Not reauthenticated, an unknown name, a request of somebody else.
    assert client.get(resume_path)["Location"] == "/"
    assert client.get("/accounts/confirmed/?kept=made-up")["Location"] == "/"
    session = client.session
    session["_auth_user_id"] = str(ada.pk)
    session["_auth_user_hash"] = ada.get_session_auth_hash()
    session.save()
    mark_reauthenticated(client, ada)
    assert client.get(resume_path)["Location"] == "/"
    assert client.post(resume_path).status_code == 405


def test_session_stores_three_requests_for_15_minutes(
    client: Client, bea: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_fields = dict.fromkeys(("a", "b", "c"), "x" * 3000)
    for number in range(8):
        client.post(NEW, FIELDS | {"name": f"{number}{'x' * 3_000}"} | long_fields)
    client.post(NEW, FIELDS | {"name": "y" * 4_000} | dict.fromkeys("abcd", "y" * 4_000))
    entries = client.session["confirmation_typed"]
    assert [dict(entry["fields"])["name"][0] for entry in entries] == ["5", "6", "7"]
    assert len(json.dumps(entries)) < 3 * 16_000

    mark_reauthenticated(client, bea)
    later = time.time() + 16 * 60
    monkeypatch.setattr("freddy_admin.accounts.auth.pending_request.time.time", lambda: later)
    mark_reauthenticated(client, bea, minutes_ago=-16)
    assert client.get(f"/accounts/confirmed/?kept={entries[-1]['name']}")["Location"] == "/"

"""Each way to confirm, on the page where it is asked: what was typed is there afterwards."""

import json
import re
import time
from html import unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.services import person_ensure
from tests.accounts.conftest import ACTOR, code_now, set_up_second_factor, sign_in
from tests.accounts.passkey import Passkey, add, browser
from tests.accounts.single_sign_on.conftest import came_back, who
from tests.accounts.single_sign_on.provider import Provider
from tests.web.confirming import question
from tests.web.conftest import confirm

NEW = "/profile/tokens/new/"
TYPED = {"name": "Status board", "scope": "read", "days": "90", "reach": "all"}


def long_ago(client: Client, user: User) -> None:
    confirm(client, user, minutes_ago=16)


def made() -> list[str]:
    return list(ApiToken.objects.values_list("name", flat=True))


@pytest.fixture
def bea(client: Client, provider: Provider) -> User:
    """She has no password, and came in through the provider this morning."""
    bea = person_ensure(actor=ACTOR, email="bea@example.org", password=None)[0]
    provider.claims = {"email": bea.email}
    came_back(client, provider)
    assert who(client) == bea.pk
    return bea


def go_of(asked: Any) -> str:
    """Where the button to the provider leads."""
    found = re.search(r'href="(/accounts/single-sign-on/confirm/[^"]+)"', asked.content.decode())
    assert found
    return unescape(found[1])


def test_a_code_confirms_in_place(client: Client, ada: User) -> None:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    Authenticator.objects.update(last_used_at=None)
    long_ago(client, ada)
    asked = client.post(NEW, TYPED)
    assert "Use a code of your app" in asked.content.decode()

    other = client.post(NEW, question(asked) | {"confirm-other": "code"})
    assert 'name="confirm-code"' in other.content.decode()
    assert question(other)["confirm-with"] == ["code"]
    wrong = client.post(NEW, question(other) | {"confirm-code": "000000"})
    assert "This was not accepted" in wrong.content.decode()
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    client.post(NEW, question(wrong) | {"confirm-code": codes[0]})
    assert made() == ["Status board"]


def test_a_passkey_confirms_in_place(ada: User) -> None:
    phone, client = Passkey(), browser()
    sign_in(client, ada.email)
    assert add(client, phone).status_code == 302
    long_ago(client, ada)
    asked = client.post(NEW, TYPED)
    other = client.post(NEW, question(asked) | {"confirm-other": "passkey"})
    page = other.content.decode()
    assert "Use one of your passkeys" in page
    assert 'data-passkey="authenticateForm"' in page

    wrong = client.post(NEW, question(other) | {"confirm-credential": '{"response": {}}'})
    assert "This passkey is not known here" in wrong.content.decode()
    options = wrong.context["js_data"]["request_options"]
    shown = json.dumps(phone.shown(options, person=ada.pk))
    fields = question(wrong) | {"confirm-credential": shown}
    client.post(NEW, fields)
    assert made() == ["Status board"]
    # It served once.
    long_ago(client, ada)
    client.post(NEW, fields)
    assert len(made()) == 1


def test_over_the_provider_what_was_typed_waits_for_a_button(
    client: Client, bea: User, provider: Provider
) -> None:
    asked = client.post(NEW, TYPED | {"password": "planted-secret"})
    assert "planted-secret" not in str(dict(client.session))
    provider.claims |= {"auth_time": int(time.time())}
    back = came_back(client, provider, go_of(asked))
    page = client.get(back["Location"])
    assert made() == []
    assert "What you asked for is not done yet" in page.content.decode()

    text = page.content.decode()
    action = re.search(r'<form method="post" action="([^"]+)" data-lock>', text)
    assert action
    fields = dict(re.findall(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"', text))
    assert action[1] == NEW
    client.post(action[1], fields)
    assert made() == ["Status board"]
    # It is used up.
    assert client.get(back["Location"])["Location"] == "/"


def test_what_was_laid_aside_is_nobody_elses_and_no_others_address(
    client: Client, bea: User, ada: User, provider: Provider
) -> None:
    go = go_of(client.post(NEW, TYPED))
    kept = re.search(r"kept%3D([\w-]+)", go)
    assert kept
    confirmed = f"/accounts/confirmed/?kept={kept[1]}"
    # Not confirmed yet, not there, not hers.
    assert client.get(confirmed)["Location"] == "/"
    assert client.get("/accounts/confirmed/?kept=made-up")["Location"] == "/"
    session = client.session
    session["_auth_user_id"] = str(ada.pk)
    session["_auth_user_hash"] = ada.get_session_auth_hash()
    session.save()
    confirm(client, ada)
    assert client.get(confirmed)["Location"] == "/"
    assert client.post(confirmed).status_code == 405


def test_a_session_holds_little_of_it_and_not_for_long(
    client: Client, bea: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = dict.fromkeys(("a", "b", "c"), "x" * 3000)
    for number in range(8):
        client.post(NEW, TYPED | {"name": f"{number}{'x' * 3_000}"} | long)
    client.post(NEW, TYPED | {"name": "y" * 4_000} | dict.fromkeys("abcd", "y" * 4_000))
    kept = client.session["confirmation_typed"]
    assert [dict(one["fields"])["name"][0] for one in kept] == ["5", "6", "7"]
    assert len(json.dumps(kept)) < 3 * 16_000

    confirm(client, bea)
    later = time.time() + 16 * 60
    monkeypatch.setattr("freddy_admin.accounts.second_factor.typed.time.time", lambda: later)
    confirm(client, bea, minutes_ago=-16)
    assert client.get(f"/accounts/confirmed/?kept={kept[-1]['name']}")["Location"] == "/"

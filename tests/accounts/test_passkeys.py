"""Passkeys: added, named, used instead of a password or after it, removed."""

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.tags import Tag
from tests.accounts.conftest import ACTOR, PASSWORD, set_up_second_factor, sign_in
from tests.accounts.passkey import ADD, SIGN_IN, Passkey, add, browser, sign_in_with
from tests.accounts.test_pages_are_dressed import check

pytestmark = pytest.mark.django_db
LIST = "/accounts/2fa/passkeys/"
SHOW = "/accounts/2fa/authenticate/"
CONFIRM = "/accounts/2fa/passkeys/reauthenticate/"


@pytest.fixture
def phone() -> Passkey:
    return Passkey()


@pytest.fixture
def client(ada: User, phone: Passkey) -> Client:
    """Ada's browser, where her phone is known."""
    client = browser()
    sign_in(client, ada.email)
    assert add(client, phone).status_code == 302
    return client


def row() -> Authenticator:
    return Authenticator.objects.get(type="webauthn")


def test_an_added_passkey_is_listed_with_its_name(client: Client) -> None:
    html = check(client.get(LIST))
    assert "Phone" in html
    assert "Opens the panel alone." in html
    assert "Not used yet." in html
    assert "1 passkey." in check(client.get("/accounts/2fa/"))
    event = AuditEvent.objects.filter(tag=Tag.SECOND_FACTOR_ADDED).last()
    assert event
    assert event.details == {"kind": "webauthn", "name": "Phone"}


def test_recovery_codes_come_with_the_first_one(client: Client, ada: User) -> None:
    kinds = Authenticator.objects.filter(user=ada).values_list("type", flat=True)
    assert set(kinds) == {"webauthn", "recovery_codes"}


def test_it_signs_in_without_a_password(client: Client, phone: Passkey, ada: User) -> None:
    visitor = browser()
    answer = sign_in_with(visitor, phone, ada.pk)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert visitor.get(LIST).status_code == 200
    assert row().last_used_at is not None


def test_signing_in_leads_on_to_a_page_of_the_panel_alone(
    client: Client, phone: Passkey, ada: User
) -> None:
    assert sign_in_with(browser(), phone, ada.pk, next="/audit/")["Location"] == "/audit/"
    assert sign_in_with(browser(), phone, ada.pk, next="//evil.example")["Location"] == "/"


def test_after_the_password_it_is_the_second_factor(
    client: Client, phone: Passkey, ada: User
) -> None:
    visitor = browser()
    assert sign_in(visitor, ada.email)["Location"] == SHOW
    assert visitor.get(LIST)["Location"].startswith("/accounts/login/")
    page = visitor.get(SHOW)
    assert "Use a passkey" in check(page)
    told = phone.shown(page.context["js_data"]["request_options"], person=ada.pk)
    answer = visitor.post(SHOW, {"credential": json.dumps(told)})
    assert answer["Location"] == "/"


def test_without_a_passkey_the_second_page_offers_none(ada: User) -> None:
    set_up_second_factor(ada)
    client = browser()
    sign_in(client, ada.email)
    assert "Use a passkey" not in check(client.get(SHOW))


def test_a_key_that_looks_at_no_finger_serves_after_the_password_alone(ada: User) -> None:
    plain, client = Passkey(verifies=False), browser()
    sign_in(client, ada.email)
    assert add(client, plain).status_code == 200  # it was to open the panel alone
    assert not Authenticator.objects.exists()
    asked = client.get(ADD).context["js_data"]["creation_options"]
    client.post(ADD, {"credential": json.dumps(plain.made(asked)), "name": "Stick"})
    assert row().wrap().name == "Stick"
    assert sign_in_with(browser(), plain, ada.pk)["Location"] == "/accounts/login/"


def test_another_origin_or_another_key_is_refused_alike(
    client: Client, phone: Passkey, ada: User
) -> None:
    elsewhere = Passkey(origin="http://evil.localhost.example")
    elsewhere.id, elsewhere.key = phone.id, phone.key
    stranger = Passkey()
    forged = Passkey()
    forged.id = phone.id
    for wrong in (elsewhere, stranger, forged):
        visitor = browser()
        answer = sign_in_with(visitor, wrong, ada.pk)
        assert answer["Location"] == "/accounts/login/"
        assert visitor.get(LIST).status_code == 302
    failed = AuditEvent.objects.get(tag=Tag.SIGN_IN_FAILED)
    assert failed.details == {"step": "passkey"}
    assert RepeatCount.objects.get(tag=Tag.SIGN_IN_FAILED).times == 2


def test_an_answer_serves_once(client: Client, phone: Passkey, ada: User) -> None:
    visitor = browser()
    told = visitor.get(SIGN_IN, headers={"accept": "application/json"}).json()
    answer = {"credential": json.dumps(phone.shown(told["request_options"], person=ada.pk))}
    assert visitor.post(SIGN_IN, answer)["Location"] == "/"
    assert browser().post(SIGN_IN, answer)["Location"] == "/accounts/login/"
    visitor.post("/accounts/logout/")
    assert visitor.post(SIGN_IN, answer)["Location"] == "/accounts/login/"


def test_a_person_switched_off_has_no_way_in(client: Client, phone: Passkey, ada: User) -> None:
    User.objects.update(is_active=False)
    visitor = browser()
    assert sign_in_with(visitor, phone, ada.pk)["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in visitor.session


def test_it_can_be_renamed(client: Client) -> None:
    page = f"{LIST}{row().pk}/rename/"
    check(client.get(page))
    client.post(page, {"name": " My  telephone "})
    assert row().wrap().name == "My  telephone"
    assert "invisible" in check(client.post(page, {"name": "a\u202eb"}))
    assert AuditEvent.objects.filter(tag=Tag.SECOND_FACTOR_CHANGED).count() == 1


def test_it_can_be_removed(client: Client, phone: Passkey, ada: User) -> None:
    page = f"{LIST}{row().pk}/remove/"
    check(client.get(page))
    assert client.post(page)["Location"] == LIST
    assert not Authenticator.objects.filter(user=ada).exists()
    assert AuditEvent.objects.filter(tag=Tag.SECOND_FACTOR_REMOVED).count() == 2
    assert sign_in_with(browser(), phone, ada.pk)["Location"] == "/accounts/login/"


@pytest.mark.parametrize("does", ["rename", "remove"])
def test_somebody_elses_passkey_is_not_there(client: Client, admin: User, does: str) -> None:
    other = browser()
    sign_in(other, admin.email)
    page = f"{LIST}{row().pk}/{does}/"
    assert (other.get(page).status_code, other.post(page).status_code) == (404, 404)


def test_the_last_one_stays_where_a_second_factor_is_required(
    client: Client, settings: Settings, ada: User, phone: Passkey
) -> None:
    settings.REQUIRE_MFA = "all"
    visitor = browser()
    sign_in_with(visitor, phone, ada.pk)
    page = f"{LIST}{row().pk}/remove/"
    said = visitor.post(page, follow=True).content.decode()
    assert "cannot be removed" in said
    set_up_second_factor_beside(ada)
    visitor.post(page)
    assert not Authenticator.objects.filter(type="webauthn").exists()


def set_up_second_factor_beside(user: User) -> None:
    Authenticator.objects.filter(user=user, type="recovery_codes").delete()
    set_up_second_factor(user)


def test_it_counts_where_a_second_factor_is_required(
    client: Client, settings: Settings, ada: User, phone: Passkey
) -> None:
    settings.REQUIRE_MFA = "all"
    visitor = browser()
    sign_in_with(visitor, phone, ada.pk)
    assert visitor.get("/accounts/password/change/").status_code == 200


def test_a_session_without_it_is_led_to_show_it(
    settings: Settings, ada: User, phone: Passkey
) -> None:
    before, owner = browser(), browser()
    sign_in(owner, ada.email)
    add(owner, phone)
    before.force_login(ada, backend="freddy_admin.accounts.signing_in.backends.PasswordBackend")
    settings.REQUIRE_MFA = "all"
    led = before.get("/audit/")["Location"]
    assert led == f"{CONFIRM}?next=%2Faudit%2F"
    page = before.get(led)
    check(page)
    told = phone.shown(page.context["js_data"]["request_options"], person=ada.pk)
    answer = before.post(led, {"credential": json.dumps(told)})
    assert answer["Location"] == "/audit/"
    assert before.get("/accounts/password/change/").status_code == 200


def test_one_who_owes_a_factor_may_choose_a_passkey(
    settings: Settings, ada: User, phone: Passkey
) -> None:
    settings.REQUIRE_MFA = "all"
    client = browser()
    sign_in(client, ada.email)
    assert "Use a passkey instead" in client.get("/", follow=True).content.decode()
    add(client, phone)
    assert client.get("/accounts/password/change/").status_code == 200


def test_somebody_without_a_password_confirms_with_it(phone: Passkey) -> None:
    new = person_ensure(actor=ACTOR, email="new@example.org", password=PASSWORD)[0]
    client = browser()
    sign_in(client, new.email)
    add(client, phone)
    new.set_unusable_password()
    new.save()
    client = browser()
    sign_in_with(client, phone, new.pk)
    made_old(client)
    assert "Use one of your passkeys" in check(client.get(ADD))
    wrong = client.post(CONFIRM, {"credential": json.dumps({"response": {}})})
    assert wrong.status_code == 302
    assert AuditEvent.objects.filter(tag=Tag.CONFIRMATION_FAILED, actor_id=new.pk).exists()
    options = client.get(CONFIRM).context["js_data"]["request_options"]
    told = json.dumps(phone.shown(options, person=new.pk))
    assert client.post(f"{CONFIRM}?next={ADD}", {"credential": told})["Location"] == ADD
    assert client.get(ADD).status_code == 200


def made_old(client: Client) -> None:
    session: Any = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 16 * 60
    session.save()


def test_pages_for_passkeys_are_dressed(client: Client) -> None:
    for page in (LIST, ADD, "/accounts/2fa/", CONFIRM):
        html = check(client.get(page))
        assert "mfa/js/webauthn.js" in html or page.endswith("2fa/")
    assert "Sign in with a passkey" in check(browser().get("/accounts/login/"))


def test_a_passkey_that_may_not_open_the_panel_alone_does_not(ada: User) -> None:
    client, key, visitor = browser(), Passkey(), browser()
    sign_in(client, ada.email)
    add(client, key, passwordless="")
    sign_in_with(visitor, key, ada.pk)
    assert visitor.get("/profile/").status_code == 302

    # After the password it is as good as any.
    assert sign_in(visitor, ada.email)["Location"] == "/accounts/2fa/authenticate/"
    page = visitor.get("/accounts/2fa/authenticate/")
    told = key.shown(page.context["js_data"]["request_options"], person=ada.pk)
    visitor.post("/accounts/2fa/authenticate/", {"credential": json.dumps(told)})
    assert visitor.get("/profile/").status_code == 200

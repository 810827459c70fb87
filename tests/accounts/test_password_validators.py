"""Accepted passwords: long ones as typed, none that is only a name of this panel."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_or_create
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
CHANGE = "/accounts/password/change/"


@pytest.mark.parametrize(
    "password",
    ["Freddy-2026", "aitronos123", "FreddyAdmin!", "fr3ddy@dm1n", "__panel__42", "1Aitr0n0s1"],
)
def test_a_name_of_the_panel_with_numbers_around_it_is_refused(password: str) -> None:
    with pytest.raises(ValidationError) as error:
        validate_password(password)
    assert "name of this panel" in " ".join(error.value.messages)
    assert password not in " ".join(error.value.messages)


@pytest.mark.parametrize(
    "password", ["freddy likes long walks", "correct horse battery", "x7" * 64, "ü" * 30 + " 漢字"]
)
def test_password_of_other_words_is_accepted(password: str) -> None:
    validate_password(password)


@pytest.mark.parametrize("ending", ["", " ", "\u00a0x"])
def test_a_long_password_is_kept_as_it_was_typed(ada: User, client: Client, ending: str) -> None:
    password = "Sixty-four Characters Are Not Cut Off Anywhere, and neither is CASE" + ending
    sign_in(client, ada.email)
    fields = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert client.post(CHANGE, fields).status_code == 302
    assert sign_in(Client(), ada.email, password).status_code == 302
    for wrong_password in (password[:-1], password.lower(), password[:64]):
        assert sign_in(Client(), ada.email, wrong_password).status_code == 200


def test_password_is_not_changed_without_the_present_one(ada: User, client: Client) -> None:
    sign_in(client, ada.email)
    fields = {"oldpassword": "wrong", "password1": "other-words-42", "password2": "other-words-42"}
    assert client.post(CHANGE, fields).status_code == 200
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_person_without_a_password_is_led_to_the_password_reset(client: Client, db: None) -> None:
    person = person_get_or_create(actor=ACTOR, email="sso@example.org", password=None)[0]
    client.force_login(person, backend="freddy_admin.accounts.auth.backends.PasswordBackend")
    page = client.get("/accounts/password/change/", follow=True)

    assert page.redirect_chain == [("/accounts/password/reset/", 302)]
    assert "You have no password yet" in page.content.decode()

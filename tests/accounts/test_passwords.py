"""Which passwords are taken: long ones as they are, none that is only a name of this panel."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
CHANGE = "/accounts/password/change/"


@pytest.mark.parametrize(
    "password",
    ["Freddy-2026", "aitronos123", "FreddyAdmin!", "fr3ddy@dm1n", "__panel__42", "1Aitr0n0s1"],
)
def test_a_name_of_the_panel_with_numbers_around_it_is_refused(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password)
    assert "name of this panel" in " ".join(refused.value.messages)
    assert password not in " ".join(refused.value.messages)


@pytest.mark.parametrize(
    "password", ["freddy likes long walks", "correct horse battery", "x7" * 64, "ü" * 30 + " 漢字"]
)
def test_other_words_are_taken_whatever_they_are_made_of(password: str) -> None:
    validate_password(password)


@pytest.mark.parametrize("ending", ["", " ", "\u00a0x"])
def test_a_long_password_is_kept_as_it_was_typed(ada: User, client: Client, ending: str) -> None:
    typed = "Sixty-four Characters Are Not Cut Off Anywhere, and neither is CASE" + ending
    sign_in(client, ada.email)
    fields = {"oldpassword": PASSWORD, "password1": typed, "password2": typed}
    assert client.post(CHANGE, fields).status_code == 302
    assert sign_in(Client(), ada.email, typed).status_code == 302
    for other in (typed[:-1], typed.lower(), typed[:64]):
        assert sign_in(Client(), ada.email, other).status_code == 200


def test_without_the_present_one_it_is_not_changed(ada: User, client: Client) -> None:
    sign_in(client, ada.email)
    fields = {"oldpassword": "wrong", "password1": "other-words-42", "password2": "other-words-42"}
    assert client.post(CHANGE, fields).status_code == 200
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_who_has_no_password_is_led_to_where_one_is_chosen(client: Client, db: None) -> None:
    known = person_ensure(actor=ACTOR, email="sso@example.org", password=None)[0]
    client.force_login(known, backend="freddy_admin.accounts.signing_in.backends.PasswordBackend")
    page = client.get("/accounts/password/change/", follow=True)

    assert page.redirect_chain == [("/accounts/password/reset/", 302)]
    assert "You have no password yet" in page.content.decode()

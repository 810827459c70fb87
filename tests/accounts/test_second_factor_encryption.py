"""Second-factor secrets are encrypted in the database; a lost SECRET_KEY is reported."""

import base64

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.sessions import SecondFactorUnreadable, decrypt_text, encrypt_text
from tests.accounts.conftest import (
    SECRET,
    current_totp_code,
    decrypt_second_factor,
    set_up_second_factor,
    sign_in,
    stored_second_factor_secrets,
)
from tests.drill_scale import drill_count

OTHER_KEY = "another-key-0123456789-abcdefghijklmnopqrstuv"


@pytest.mark.drill
@examples(max_examples=drill_count(250))
@given(st.text(max_size=80))
def test_encrypted_text_is_decrypted_again(text: str) -> None:
    assert decrypt_text(encrypt_text(text)) == text


def test_same_text_is_never_encrypted_alike() -> None:
    assert encrypt_text("x") != encrypt_text("x")


def test_any_changed_character_is_detected() -> None:
    encrypted_text = encrypt_text("JBSWY3DP")
    for index in range(len(encrypted_text)):
        changed = (
            encrypted_text[:index]
            + ("A" if encrypted_text[index] != "A" else "B")
            + encrypted_text[index + 1 :]
        )
        if decodes_to_same_bytes(encrypted_text, changed):
            continue
        with pytest.raises(SecondFactorUnreadable):
            decrypt_text(changed)


def decodes_to_same_bytes(encrypted_text: str, changed: str) -> bool:

    if not changed.startswith("v1."):
        return False
    try:
        return base64.b64decode(encrypted_text[3:]) == base64.b64decode(changed[3:], validate=True)
    except ValueError:
        return False


@pytest.mark.parametrize("stored_text", ["", "v1.", "v1.AAAA", "v1.%%%", "JBSWY3DP", "v1.é"])
def test_unreadable_text_is_reported_in_a_sentence(stored_text: str) -> None:
    with pytest.raises(SecondFactorUnreadable, match="SECRET_KEY has changed") as error:
        decrypt_text(stored_text)

    assert error.value.__context__ is None or error.value.__suppress_context__


def test_former_secret_key_still_decrypts(settings: Settings) -> None:
    encrypted_text = encrypt_text("x")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = OTHER_KEY

    assert decrypt_text(encrypted_text) == "x"


@pytest.mark.django_db
def test_the_database_holds_no_secret_in_clear(ada: User) -> None:
    set_up_second_factor(ada)
    secrets = stored_second_factor_secrets(ada)

    assert len(secrets) == 2
    assert all(text.startswith("v1.") for text in secrets)
    assert SECRET not in str(secrets)
    assert SECRET in [decrypt_second_factor(text) for text in secrets]


@pytest.mark.django_db
def test_sign_in_after_a_lost_secret_key_reports_it(
    client: Client, ada: User, settings: Settings
) -> None:
    set_up_second_factor(ada)
    settings.SECRET_KEY = OTHER_KEY
    sign_in(client, ada.email)
    response = client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})

    assert response.status_code == 200
    assert "SECRET_KEY has changed" in response.content.decode()


@pytest.mark.django_db
def test_recovery_code_pages_report_a_lost_secret_key_too(
    client: Client, ada: User, settings: Settings
) -> None:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    ada.authenticator_set.filter(type="recovery_codes").update(data={"seed": "v1.AAAA"})

    response = client.get("/accounts/2fa/recovery-codes/")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/accounts/2fa/").status_code == 200

"""Second-factor secrets are sealed in the database, and a lost SECRET_KEY is said in a sentence."""

import base64

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.second_factor.sealing import SecondFactorUnreadable, seal, unseal
from tests.accounts.conftest import (
    SECRET,
    code_now,
    opened,
    set_up_second_factor,
    sign_in,
    stored_secrets,
)
from tests.drills import drill_share

OTHER_KEY = "another-key-0123456789-abcdefghijklmnopqrstuv"


@pytest.mark.drill
@examples(max_examples=drill_share(250))
@given(st.text(max_size=80))
def test_what_is_sealed_opens_again(text: str) -> None:
    assert unseal(seal(text)) == text


def test_the_same_text_is_never_sealed_alike() -> None:
    assert seal("x") != seal("x")


def test_any_changed_character_is_noticed() -> None:
    sealed = seal("JBSWY3DP")
    for at in range(len(sealed)):
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        if _same_bytes(sealed, changed):
            continue
        with pytest.raises(SecondFactorUnreadable):
            unseal(changed)


def _same_bytes(one: str, other: str) -> bool:

    if not other.startswith("v1."):
        return False
    try:
        return base64.b64decode(one[3:]) == base64.b64decode(other[3:], validate=True)
    except ValueError:
        return False


@pytest.mark.parametrize("stored", ["", "v1.", "v1.AAAA", "v1.%%%", "JBSWY3DP", "v1.é"])
def test_rubbish_is_said_in_a_sentence(stored: str) -> None:
    with pytest.raises(SecondFactorUnreadable, match="SECRET_KEY has changed") as refused:
        unseal(stored)

    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_former_key_still_opens(settings: Settings) -> None:
    sealed = seal("x")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = OTHER_KEY

    assert unseal(sealed) == "x"


@pytest.mark.django_db
def test_the_database_holds_no_secret_in_clear(ada: User) -> None:
    set_up_second_factor(ada)
    stored = stored_secrets(ada)

    assert len(stored) == 2
    assert all(text.startswith("v1.") for text in stored)
    assert SECRET not in str(stored)
    assert SECRET in [opened(text) for text in stored]


@pytest.mark.django_db
def test_signing_in_after_a_lost_key_says_what_happened(
    client: Client, ada: User, settings: Settings
) -> None:
    set_up_second_factor(ada)
    settings.SECRET_KEY = OTHER_KEY
    sign_in(client, ada.email)
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_now()})

    assert answer.status_code == 200
    assert "SECRET_KEY has changed" in answer.content.decode()


@pytest.mark.django_db
def test_pages_that_open_recovery_codes_say_it_too(
    client: Client, ada: User, settings: Settings
) -> None:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    ada.authenticator_set.filter(type="recovery_codes").update(data={"seed": "v1.AAAA"})

    answer = client.get("/accounts/2fa/recovery-codes/")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/accounts/2fa/").status_code == 200

"""Whatever is sent as a passkey's answer, the page says no and nothing breaks."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from tests.accounts.conftest import sign_in
from tests.accounts.passkey import ADD, SIGN_IN, Passkey, add, asked_for, browser
from tests.drills import drill_share

pytestmark = pytest.mark.django_db
NONSENSE = [
    "",
    "null",
    "[]",
    "{}",
    "1",
    '"text"',
    '{"response": null}',
    '{"response": {}}',
    '{"response": {"userHandle": 1}}',
    '{"response": {"userHandle": "%%%"}}',
    '{"id": 1, "rawId": 2, "response": {"clientDataJSON": 3, "attestationObject": 4}}',
    '{"id": "YQ", "rawId": "YQ", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}',
    "[" * 15_000,
    '{"a":' * 4_000,
    "x" * 100_000,
    '{"id": NaN, "response": {}}',
    '{"id": "\\u0000", "response": {"clientDataJSON": "\\ud800"}}',
]


@pytest.fixture
def unlimited(settings: Settings) -> None:
    settings.MFA_RATE_LIMITS = False
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.mark.parametrize("sent", NONSENSE)
def test_nonsense_is_refused(unlimited: None, ada: User, sent: str) -> None:
    visitor = browser()
    asked_for(visitor)
    assert visitor.post(SIGN_IN, {"credential": sent})["Location"] == "/accounts/login/"
    sign_in(visitor, ada.email)
    visitor.get(ADD)
    assert visitor.post(ADD, {"credential": sent, "name": "x"}).status_code == 200
    assert not Authenticator.objects.exists()


TEXT = st.text(max_size=40) | st.integers() | st.none() | st.booleans()
SHAPE = st.recursive(TEXT, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(), of))


@pytest.mark.drill
@examples(
    max_examples=drill_share(600),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(part=st.sampled_from(["id", "rawId", "type", "response", "handle", "data"]), value=SHAPE)
def test_a_good_answer_with_one_wrong_part_is_refused_or_harmless(
    unlimited: None, known: tuple[Client, Passkey, User], part: str, value: object
) -> None:
    _, phone, ada = known
    visitor = browser()
    answer = phone.shown(asked_for(visitor), person=ada.pk)
    if part in {"handle", "data"}:
        answer["response"]["userHandle" if part == "handle" else "authenticatorData"] = value
    else:
        answer[part] = value
    sent = visitor.post(SIGN_IN, {"credential": json.dumps(answer)})
    assert sent.status_code == 302


@pytest.fixture
def known(unlimited: None, ada: User) -> tuple[Client, Passkey, User]:
    client, phone = browser(), Passkey()
    sign_in(client, ada.email)
    add(client, phone)
    return client, phone, ada


def test_what_was_sent_beside_the_key_is_not_kept(unlimited: None, ada: User) -> None:
    client, phone = browser(), Passkey()
    sign_in(client, ada.email)
    answer = phone.made(client.get(ADD).context["js_data"]["creation_options"])
    answer["planted"] = "\x00planted"
    answer["response"]["transports"] = ["planted"] * 99
    client.post(ADD, {"credential": json.dumps(answer), "passwordless": "on"})
    row = Authenticator.objects.get(type="webauthn")
    assert "planted" not in json.dumps(row.data)
    assert row.data["name"] == "Passkey 1"


def test_guesses_from_one_address_are_stopped(ada: User) -> None:
    answers = [browser().post(SIGN_IN, {"credential": "{}"}).status_code for _ in range(11)]
    assert answers == [302] * 10 + [429]

"""Whatever is sent as a passkey's credential, it is refused without an error."""

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
from tests.accounts.virtual_passkey import (
    ADD_PATH,
    SIGN_IN_PATH,
    VirtualPasskey,
    localhost_client,
    passkey_add,
    passkey_request_options,
)
from tests.drill_scale import drill_count

pytestmark = pytest.mark.django_db
MALFORMED_CREDENTIALS = [
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
def without_rate_limits(settings: Settings) -> None:
    settings.MFA_RATE_LIMITS = False
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.mark.parametrize("credential", MALFORMED_CREDENTIALS)
def test_malformed_credential_is_refused(
    without_rate_limits: None, ada: User, credential: str
) -> None:
    visitor = localhost_client()
    passkey_request_options(visitor)
    assert visitor.post(SIGN_IN_PATH, {"credential": credential})["Location"] == "/accounts/login/"
    sign_in(visitor, ada.email)
    visitor.get(ADD_PATH)
    assert visitor.post(ADD_PATH, {"credential": credential, "name": "x"}).status_code == 200
    assert not Authenticator.objects.exists()


TEXT = st.text(max_size=40) | st.integers() | st.none() | st.booleans()
SHAPE = st.recursive(TEXT, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(), of))


@pytest.mark.drill
@examples(
    max_examples=drill_count(600),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(part=st.sampled_from(["id", "rawId", "type", "response", "handle", "data"]), value=SHAPE)
def test_credential_with_one_wrong_part_is_refused_or_harmless(
    without_rate_limits: None,
    client_with_passkey: tuple[Client, VirtualPasskey, User],
    part: str,
    value: object,
) -> None:
    _, phone, ada = client_with_passkey
    visitor = localhost_client()
    credential = phone.authentication_response(passkey_request_options(visitor), person=ada.pk)
    if part in {"handle", "data"}:
        credential["response"]["userHandle" if part == "handle" else "authenticatorData"] = value
    else:
        credential[part] = value
    response = visitor.post(SIGN_IN_PATH, {"credential": json.dumps(credential)})
    assert response.status_code == 302


@pytest.fixture
def client_with_passkey(
    without_rate_limits: None, ada: User
) -> tuple[Client, VirtualPasskey, User]:
    client, phone = localhost_client(), VirtualPasskey()
    sign_in(client, ada.email)
    passkey_add(client, phone)
    return client, phone, ada


def test_extra_members_of_a_credential_are_not_stored(without_rate_limits: None, ada: User) -> None:
    client, phone = localhost_client(), VirtualPasskey()
    sign_in(client, ada.email)
    credential = phone.registration_response(
        client.get(ADD_PATH).context["js_data"]["creation_options"]
    )
    credential["planted"] = "\x00planted"
    credential["response"]["transports"] = ["planted"] * 99
    client.post(ADD_PATH, {"credential": json.dumps(credential), "passwordless": "on"})
    row = Authenticator.objects.get(type="webauthn")
    assert "planted" not in json.dumps(row.data)
    assert row.data["name"] == "Passkey 1"


def test_passkey_attempts_from_one_address_are_limited(ada: User) -> None:
    statuses = [
        localhost_client().post(SIGN_IN_PATH, {"credential": "{}"}).status_code for _ in range(11)
    ]
    assert statuses == [302] * 10 + [429]

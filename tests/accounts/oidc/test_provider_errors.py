"""Whatever the provider, or somebody on the way, sends: an error, and nobody is signed in."""

import logging
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from tests.accounts.oidc.conftest import (
    CALLBACK_PATH,
    LOGIN_PATH,
    followed_page,
    sign_in_through_provider,
    signed_in_user_id,
)
from tests.accounts.oidc.fake_provider import (
    CLIENT_SECRET,
    FAULTY_RESPONSES,
    FakeProvider,
    public_key_pem,
    rsa_key,
    sign_id_token,
)

ShortenTimeouts = Callable[[], None]
UNTRUSTED = "The answer of Example Login could not be trusted"
UNREACHED = "Example Login could not be reached, or gave an answer that makes no sense"
NO_ADDRESS = "Example Login did not say that your e-mail address is verified"
NOT_BEGUN = "did not begin in this browser, or is too old"

CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "the issuer with a slash more": {"iss": "http://127.0.0.1/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another"},
    "several audiences without a party": {"aud": ["panel", "another"]},
    "another party": {"azp": "another"},
    "no audience": {"aud": None},
    "over": {"exp": 1_000_000_000},
    "no end": {"exp": None},
    "issued tomorrow": {"iat": int(time.time()) + 86_400},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "a nonce that is none": {"nonce": ["x"]},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is none": {"sub": 7},
    "a subject with a zero byte": {"sub": "ada\x00"},
    "a subject without an end": {"sub": "a" * 300},
}


def hmac_signed_token(claims: dict[str, Any], key: bytes) -> str:
    import base64
    import hashlib
    import hmac
    import json

    def encode_part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    header = encode_part(json.dumps({"alg": "HS256", "kid": "good", "typ": "JWT"}).encode())
    body = f"{header}.{encode_part(json.dumps(claims).encode())}"
    return f"{body}.{encode_part(hmac.new(key, body.encode(), hashlib.sha256).digest())}"


SIGNATURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "another key": lambda claims: sign_id_token(claims, key=rsa_key("another")),
    "none": lambda claims: jwt.encode(claims, None, algorithm="none", headers={"kid": "good"}),
    "the public key as a secret": lambda claims: hmac_signed_token(claims, public_key_pem()),
    "the client secret": lambda claims: hmac_signed_token(claims, CLIENT_SECRET.encode()),
    "an unknown key": lambda claims: sign_id_token(claims, headers={"kid": "unknown"}),
    "cut off": lambda claims: sign_id_token(claims)[:-20],
    "without a signature": lambda claims: sign_id_token(claims).rpartition(".")[0] + ".",
    "not a token": lambda _claims: "planted",
    "empty": lambda _claims: "",
}


def assert_login_refused(client: Client, response: Any, message: str) -> None:
    page = followed_page(client, response)
    assert message in page
    assert "planted" not in page
    assert signed_in_user_id(client) is None
    event = AuditEvent.objects.filter(tag="sign_in_failed").get()
    assert event.details["step"] == "single sign-on"
    assert not AuditEvent.objects.filter(tag__in=["signed_in", "single_sign_on_linked"]).exists()


@pytest.mark.parametrize("name", CLAIMS)
def test_login_is_refused_for_a_wrong_claim(
    client: Client, provider: FakeProvider, ada: User, name: str
) -> None:
    provider.claims = CLAIMS[name]
    assert_login_refused(client, sign_in_through_provider(client, provider), UNTRUSTED)


@pytest.mark.parametrize("name", SIGNATURES)
def test_login_is_refused_for_an_invalid_signature(
    client: Client, provider: FakeProvider, ada: User, name: str
) -> None:
    provider.sign = SIGNATURES[name]
    assert_login_refused(client, sign_in_through_provider(client, provider), UNTRUSTED)


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": 1},
        {"email": ""},
        {"email": "no address"},
        {"email": ["ada@example.org"]},
    ],
    ids=str,
)
def test_login_is_refused_for_an_unverified_email(
    client: Client, provider: FakeProvider, ada: User, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert_login_refused(client, sign_in_through_provider(client, provider), NO_ADDRESS)


@pytest.mark.parametrize("missing_claim", ["email", "email_verified"])
def test_login_is_refused_without_an_email(
    client: Client, provider: FakeProvider, ada: User, missing_claim: str
) -> None:
    provider.claims = {missing_claim: None}
    provider.userinfo = {"sub": "ada-at-the-provider"}
    assert_login_refused(client, sign_in_through_provider(client, provider), NO_ADDRESS)


@pytest.mark.parametrize("userinfo_subject", ["another", None])
def test_login_is_refused_where_userinfo_names_another_subject(
    client: Client, provider: FakeProvider, ada: User, userinfo_subject: str | None
) -> None:
    provider.claims = {"email": None}
    provider.userinfo = {"sub": userinfo_subject, "email": ada.email, "email_verified": True}
    assert_login_refused(client, sign_in_through_provider(client, provider), UNTRUSTED)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
@pytest.mark.parametrize("fault", sorted(FAULTY_RESPONSES))
def test_login_is_refused_for_a_faulty_provider_response(
    client: Client,
    provider: FakeProvider,
    ada: User,
    short_timeouts: ShortenTimeouts,
    path: str,
    fault: str,
) -> None:
    authorization_url = client.get(LOGIN_PATH)["Location"]
    short_timeouts()
    provider.faults = {path: fault}
    query = {
        "state": authorization_url.split("state=")[1].split("&")[0],
        "code": provider.authorize(authorization_url),
    }
    started_at = time.monotonic()
    response = client.get(CALLBACK_PATH, query)

    assert time.monotonic() - started_at < 20  # without a time-out it would never end
    assert "/elsewhere" not in provider.requested_paths
    assert_login_refused(client, response, UNREACHED)


@pytest.mark.parametrize("fault", sorted(FAULTY_RESPONSES))
def test_login_start_reports_an_unavailable_provider(
    client: Client, provider: FakeProvider, short_timeouts: ShortenTimeouts, fault: str
) -> None:
    short_timeouts()
    provider.faults = {"/.well-known/openid-configuration": fault}
    assert_login_refused(client, client.get(LOGIN_PATH), UNREACHED)


@pytest.mark.parametrize(
    "configuration",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://a@evil.example/"},
    ],
    ids=str,
)
def test_login_is_refused_for_an_unsafe_provider_configuration(
    client: Client, provider: FakeProvider, configuration: dict[str, Any]
) -> None:
    provider.configuration = configuration
    assert_login_refused(client, client.get(LOGIN_PATH), UNREACHED)


def test_login_start_reports_an_unreachable_provider(
    client: Client, provider: FakeProvider, settings: Any
) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert_login_refused(client, client.get(LOGIN_PATH), UNREACHED)


def test_a_state_works_once(client: Client, provider: FakeProvider, ada: User) -> None:
    authorization_url = client.get(LOGIN_PATH)["Location"]
    state = authorization_url.split("state=")[1].split("&")[0]
    client.get(CALLBACK_PATH, {"state": state, "error": "access_denied"})
    assert NOT_BEGUN in followed_page(
        client,
        client.get(CALLBACK_PATH, {"state": state, "code": provider.authorize(authorization_url)}),
    )
    assert signed_in_user_id(client) is None
    assert "/token" not in provider.requested_paths


def test_login_is_refused_for_the_state_of_another_browser(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    authorization_url = Client().get(LOGIN_PATH)["Location"]
    state = authorization_url.split("state=")[1].split("&")[0]
    response = client.get(
        CALLBACK_PATH, {"state": state, "code": provider.authorize(authorization_url)}
    )
    assert_login_refused(client, response, NOT_BEGUN)


@pytest.mark.parametrize("state", ["", "x", "x" * 5_000, "\x00", "ünï"])
def test_login_is_refused_for_an_unknown_state(
    client: Client, provider: FakeProvider, state: str
) -> None:
    assert_login_refused(
        client, client.get(CALLBACK_PATH, {"state": state, "code": "x"}), NOT_BEGUN
    )


def test_login_is_refused_for_an_expired_state(
    client: Client, provider: FakeProvider, ada: User, time_machine: Any
) -> None:
    authorization_url = client.get(LOGIN_PATH)["Location"]
    query = {
        "state": authorization_url.split("state=")[1].split("&")[0],
        "code": provider.authorize(authorization_url),
    }
    time_machine.move_to(time.time() + 601)
    assert NOT_BEGUN in followed_page(client, client.get(CALLBACK_PATH, query))


def test_login_cancelled_at_the_provider_is_reported(
    client: Client, provider: FakeProvider
) -> None:
    response = sign_in_through_provider(client, provider, code="", error="access_denied")
    assert_login_refused(client, response, "did not let you in, or you turned back")


@pytest.mark.parametrize("overrides", [{"code": ""}, {"error": "<b>planted</b>"}])
def test_callback_without_a_code_is_refused(
    client: Client, provider: FakeProvider, ada: User, overrides: dict[str, str]
) -> None:
    assert_login_refused(client, sign_in_through_provider(client, provider, **overrides), UNREACHED)


def test_callback_from_another_issuer_is_refused(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    assert_login_refused(
        client, sign_in_through_provider(client, provider, iss="https://evil.example"), UNTRUSTED
    )


def test_login_is_refused_for_a_used_code(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    assert_login_refused(client, sign_in_through_provider(client, provider, code="used"), UNTRUSTED)


def test_failed_login_logs_one_line_without_a_secret(
    client: Client, provider: FakeProvider, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.sign = SIGNATURES["another key"]
    sign_in_through_provider(client, provider)

    lines = [
        record.getMessage() for record in caplog.records if "Single sign-on" in record.getMessage()
    ]
    assert lines == ["Single sign-on failed: ID token: InvalidSignatureError."]
    assert not any("planted" in record.getMessage() for record in caplog.records)

"""Whatever the provider, or somebody in between, sends: a sentence, and nobody is signed in."""

import logging
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from tests.accounts.single_sign_on.conftest import BEGIN, RETURN, came_back, told, who
from tests.accounts.single_sign_on.provider import (
    CLIENT_SECRET,
    FAULTY_ANSWERS,
    Provider,
    public_pem,
    rsa,
    signed,
)

Hurry = Callable[[], None]
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


def _hmac(claims: dict[str, Any], key: bytes) -> str:
    import base64
    import hashlib
    import hmac
    import json

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    head = part(json.dumps({"alg": "HS256", "kid": "good", "typ": "JWT"}).encode())
    body = f"{head}.{part(json.dumps(claims).encode())}"
    return f"{body}.{part(hmac.new(key, body.encode(), hashlib.sha256).digest())}"


SIGNATURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "another key": lambda claims: signed(claims, key=rsa("another")),
    "none": lambda claims: jwt.encode(claims, None, algorithm="none", headers={"kid": "good"}),
    "the public key as a secret": lambda claims: _hmac(claims, public_pem()),
    "the client secret": lambda claims: _hmac(claims, CLIENT_SECRET.encode()),
    "an unknown key": lambda claims: signed(claims, headers={"kid": "unknown"}),
    "cut off": lambda claims: signed(claims)[:-20],
    "without a signature": lambda claims: signed(claims).rpartition(".")[0] + ".",
    "not a token": lambda _claims: "planted",
    "empty": lambda _claims: "",
}


def _refused(client: Client, answer: Any, says: str) -> None:
    page = told(client, answer)
    assert says in page
    assert "planted" not in page
    assert who(client) is None
    event = AuditEvent.objects.filter(tag="sign_in_failed").get()
    assert event.details["step"] == "single sign-on"
    assert not AuditEvent.objects.filter(tag__in=["signed_in", "single_sign_on_linked"]).exists()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_that_does_not_fit(
    client: Client, provider: Provider, ada: User, name: str
) -> None:
    provider.claims = CLAIMS[name]
    _refused(client, came_back(client, provider), UNTRUSTED)


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_that_proves_nothing(
    client: Client, provider: Provider, ada: User, name: str
) -> None:
    provider.sign = SIGNATURES[name]
    _refused(client, came_back(client, provider), UNTRUSTED)


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
def test_an_address_that_is_not_vouched_for(
    client: Client, provider: Provider, ada: User, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    _refused(client, came_back(client, provider), NO_ADDRESS)


@pytest.mark.parametrize("gone", ["email", "email_verified"])
def test_an_address_that_is_missing_everywhere(
    client: Client, provider: Provider, ada: User, gone: str
) -> None:
    provider.claims = {gone: None}
    provider.userinfo = {"sub": "ada-at-the-provider"}
    _refused(client, came_back(client, provider), NO_ADDRESS)


@pytest.mark.parametrize("told_sub", ["another", None])
def test_two_subjects(client: Client, provider: Provider, ada: User, told_sub: str | None) -> None:
    provider.claims = {"email": None}
    provider.userinfo = {"sub": told_sub, "email": ada.email, "email_verified": True}
    _refused(client, came_back(client, provider), UNTRUSTED)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
@pytest.mark.parametrize("fault", sorted(FAULTY_ANSWERS))
def test_an_answer_that_is_none(
    client: Client, provider: Provider, ada: User, hurry: Hurry, path: str, fault: str
) -> None:
    begun = client.get(BEGIN)["Location"]
    hurry()
    provider.faults = {path: fault}
    values = {"state": begun.split("state=")[1].split("&")[0], "code": provider.let_in(begun)}
    started = time.monotonic()
    answer = client.get(RETURN, values)

    assert time.monotonic() - started < 20  # it would drip for ever, or hang for minutes
    assert "/elsewhere" not in provider.asked
    _refused(client, answer, UNREACHED)


@pytest.mark.parametrize("fault", sorted(FAULTY_ANSWERS))
def test_a_provider_that_is_away_when_somebody_begins(
    client: Client, provider: Provider, hurry: Hurry, fault: str
) -> None:
    hurry()
    provider.faults = {"/.well-known/openid-configuration": fault}
    _refused(client, client.get(BEGIN), UNREACHED)


@pytest.mark.parametrize(
    "about",
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
def test_a_configuration_that_leads_astray(
    client: Client, provider: Provider, about: dict[str, Any]
) -> None:
    provider.configuration = about
    _refused(client, client.get(BEGIN), UNREACHED)


def test_a_provider_nobody_listens_at(client: Client, provider: Provider, settings: Any) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    _refused(client, client.get(BEGIN), UNREACHED)


def test_a_state_works_once(client: Client, provider: Provider, ada: User) -> None:
    begun = client.get(BEGIN)["Location"]
    state = begun.split("state=")[1].split("&")[0]
    client.get(RETURN, {"state": state, "error": "access_denied"})
    assert NOT_BEGUN in told(
        client, client.get(RETURN, {"state": state, "code": provider.let_in(begun)})
    )
    assert who(client) is None
    assert "/token" not in provider.asked


def test_a_state_of_another_browser(client: Client, provider: Provider, ada: User) -> None:
    begun = Client().get(BEGIN)["Location"]
    state = begun.split("state=")[1].split("&")[0]
    answer = client.get(RETURN, {"state": state, "code": provider.let_in(begun)})
    _refused(client, answer, NOT_BEGUN)


@pytest.mark.parametrize("state", ["", "x", "x" * 5_000, "\x00", "ünï"])
def test_a_state_that_is_none(client: Client, provider: Provider, state: str) -> None:
    _refused(client, client.get(RETURN, {"state": state, "code": "x"}), NOT_BEGUN)


def test_a_state_that_is_too_old(
    client: Client, provider: Provider, ada: User, time_machine: Any
) -> None:
    begun = client.get(BEGIN)["Location"]
    values = {"state": begun.split("state=")[1].split("&")[0], "code": provider.let_in(begun)}
    time_machine.move_to(time.time() + 601)
    assert NOT_BEGUN in told(client, client.get(RETURN, values))


def test_turning_back(client: Client, provider: Provider) -> None:
    answer = came_back(client, provider, code="", error="access_denied")
    _refused(client, answer, "did not let you in, or you turned back")


@pytest.mark.parametrize("more", [{"code": ""}, {"error": "<b>planted</b>"}])
def test_coming_back_without_an_answer(
    client: Client, provider: Provider, ada: User, more: dict[str, str]
) -> None:
    _refused(client, came_back(client, provider, **more), UNREACHED)


def test_coming_back_from_another_issuer(client: Client, provider: Provider, ada: User) -> None:
    _refused(client, came_back(client, provider, iss="https://evil.example"), UNTRUSTED)


def test_a_code_that_was_used(client: Client, provider: Provider, ada: User) -> None:
    _refused(client, came_back(client, provider, code="used"), UNTRUSTED)


def test_the_log_has_a_line_without_a_secret(
    client: Client, provider: Provider, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.sign = SIGNATURES["another key"]
    came_back(client, provider)

    lines = [one.getMessage() for one in caplog.records if "Single sign-on" in one.getMessage()]
    assert lines == ["Single sign-on failed: ID token: InvalidSignatureError."]
    assert not any("planted" in one.getMessage() for one in caplog.records)

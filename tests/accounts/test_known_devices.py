"""Whoever guesses at an account, from however many addresses, never keeps its owner out."""

from http.cookies import Morsel

import pytest
import time_machine
from django.core.signing import TimestampSigner
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.auth import known_devices
from freddy_admin.accounts.models import User
from tests.accounts.conftest import PASSWORD, current_totp_code, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db
COOKIE = "known-device"
TOO_MANY = "Too many failed"


@pytest.fixture(autouse=True)
def low_login_limits(settings: Settings) -> None:
    """Allow three guesses at an account from anywhere, so that tests need no hundred."""
    limits = {"login_failed_anywhere": "3/h/key", "login_failed_device": "4/h/key"}
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | limits


def known_browser(email: str) -> Client:
    """A client in which this person signed in, and out again."""
    client = Client(REMOTE_ADDR="192.0.2.200")
    assert sign_in(client, email).status_code == 302
    client.post("/accounts/logout/")
    return client


def exhaust_login_limit(email: str) -> None:
    """Guess from more addresses than the limit of the account."""
    responses = [
        sign_in(Client(REMOTE_ADDR=f"198.51.100.{number}"), email, f"guess-{number}")
        for number in range(5)
    ]
    assert TOO_MANY in responses[-1].content.decode()


def client_with_device_cookie(value: str, address: str = "203.0.113.5") -> Client:
    client = Client(REMOTE_ADDR=address)
    client.cookies[COOKIE] = value
    return client


def test_owner_signs_in_from_a_known_browser(ada: User) -> None:
    known_client = known_browser(ada.email)
    exhaust_login_limit(ada.email)
    assert sign_in(known_client, ada.email)["Location"] == "/"
    # Others are limited, even with the right password.
    assert TOO_MANY in sign_in(Client(REMOTE_ADDR="192.0.2.9"), ada.email).content.decode()


def test_the_mailed_link_makes_a_browser_known(ada: User, client: Client) -> None:
    fields = {"password1": "other-words-42", "password2": "other-words-42"}
    exhaust_login_limit(ada.email)
    client.get(f"/accounts/password/reset/key/{password_reset_key(ada)}/")
    client.post(
        f"/accounts/password/reset/key/{password_reset_key(ada).split('-')[0]}-set-password/",
        fields,
    )
    exhaust_login_limit(ada.email)
    assert sign_in(client, ada.email, "other-words-42").status_code == 302


def password_reset_key(user: User) -> str:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    return f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"


def test_browser_with_a_session_is_known(ada: User) -> None:
    client = Client()
    sign_in(client, ada.email)
    del client.cookies[COOKIE]
    exhaust_login_limit(ada.email)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_device_cookie_of_one_person_does_not_count_for_another(ada: User, admin: User) -> None:
    known_client = known_browser(ada.email)
    exhaust_login_limit(admin.email)
    assert TOO_MANY in sign_in(known_client, admin.email).content.decode()


def test_several_people_share_a_browser_and_each_is_known(ada: User, admin: User) -> None:
    known_client = known_browser(ada.email)
    sign_in(known_client, admin.email)
    known_client.post("/accounts/logout/")
    for person in (ada, admin):
        exhaust_login_limit(person.email)
        assert sign_in(known_client, person.email).status_code == 302
        known_client.post("/accounts/logout/")


def test_device_cookie_keeps_the_latest_accounts_alone(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_devices, "ACCOUNTS_AT_MOST", 2)
    for name in ("bo", "cy"):
        person = User(email=f"{name}@example.org")
        person.set_password(PASSWORD)
        person.save()
    known_client = known_browser(ada.email)
    for name in ("bo", "cy"):
        sign_in(known_client, f"{name}@example.org")
        known_client.post("/accounts/logout/")
    assert known_client.cookies[COOKIE].value.count("~") == 1
    exhaust_login_limit(ada.email)
    assert TOO_MANY in sign_in(known_client, ada.email).content.decode()


def test_stolen_device_cookie_has_a_few_guesses_of_its_own(ada: User) -> None:
    stolen_cookie = known_browser(ada.email).cookies[COOKIE].value
    exhaust_login_limit(ada.email)
    is_limited = [
        TOO_MANY
        in sign_in(
            client_with_device_cookie(stolen_cookie, f"203.0.113.{n}"), ada.email, f"g{n}"
        ).content.decode()
        for n in range(6)
    ]
    assert is_limited == [False] * 4 + [True] * 2


def test_device_cookie_without_guesses_left_counts_like_none(ada: User) -> None:
    known_client = known_browser(ada.email)
    for number in range(4):
        sign_in(
            client_with_device_cookie(known_client.cookies[COOKIE].value),
            ada.email,
            f"guess-{number}",
        )
    # A thief spent the cookie's guesses; the owner is limited like everybody else.
    assert sign_in(known_client, ada.email).status_code == 302


@pytest.mark.parametrize("change", ["cut", "made up", "other key", "empty", "long"])
def test_forged_device_cookie_is_ignored(ada: User, change: str, settings: Settings) -> None:
    cookie = known_browser(ada.email).cookies[COOKIE].value
    account = cookie.partition(".")[0]
    other_signer = TimestampSigner(key="x" * 40, salt=known_devices.SALT)
    forged_cookie = {
        "cut": cookie[:-1],
        "made up": f"{account}.device:1tXyZa:signature",
        "other key": other_signer.sign(f"{account}.device"),
        "empty": "",
        "long": "x" * 2_000 + "~" + cookie,
    }[change]
    exhaust_login_limit(ada.email)
    response = sign_in(client_with_device_cookie(forged_cookie), ada.email)
    assert TOO_MANY in response.content.decode()


def test_device_cookie_expires_after_half_a_year(ada: User) -> None:
    with time_machine.travel("2026-01-01 12:00:00+00:00", tick=False) as clock:
        cookie = known_browser(ada.email).cookies[COOKIE].value
        clock.shift(known_devices.LIFETIME_SECONDS + 1)
        exhaust_login_limit(ada.email)
        assert TOO_MANY in sign_in(client_with_device_cookie(cookie), ada.email).content.decode()


def test_device_cookie_holds_no_email_and_is_http_only(ada: User, settings: Settings) -> None:
    cookie = response_cookie(known_browser(ada.email), COOKIE)
    assert "ada" not in cookie.value
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert int(cookie["max-age"]) == 180 * 86_400
    settings.SECURE_COOKIES = True
    assert response_cookie(known_browser(ada.email), f"__Host-{COOKIE}")["secure"] is True


def response_cookie(client: Client, name: str) -> "Morsel[str]":
    return client.cookies[name]


def test_a_password_alone_does_not_make_a_browser_known(ada: User) -> None:
    set_up_second_factor(ada)
    client = Client()
    sign_in(client, ada.email)
    assert COOKIE not in client.cookies
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    assert COOKIE in client.cookies


def test_failures_and_visits_set_no_device_cookie(ada: User) -> None:
    client = Client()
    sign_in(client, ada.email, "wrong")
    client.get("/accounts/login/")
    assert COOKIE not in client.cookies

"""Whoever guesses at an account, from however many addresses, never keeps its owner out."""

from http.cookies import Morsel

import pytest
import time_machine
from django.core.signing import TimestampSigner
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in import known_devices
from tests.accounts.conftest import PASSWORD, code_now, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db
COOKIE = "known-device"
TOO_MANY = "Too many failed"


@pytest.fixture(autouse=True)
def few(settings: Settings) -> None:
    """Three guesses at an account from anywhere, so that a test need not make a hundred."""
    more = {"login_failed_anywhere": "3/h/key", "login_failed_device": "4/h/key"}
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | more


def used(email: str) -> Client:
    """A browser in which this person signed in, and out again."""
    client = Client(REMOTE_ADDR="192.0.2.200")
    assert sign_in(client, email).status_code == 302
    client.post("/accounts/logout/")
    return client


def attack(email: str) -> None:
    """Guesses from more addresses than the account has guesses."""
    said = [
        sign_in(Client(REMOTE_ADDR=f"198.51.100.{number}"), email, f"guess-{number}")
        for number in range(5)
    ]
    assert TOO_MANY in said[-1].content.decode()


def with_cookie(value: str, address: str = "203.0.113.5") -> Client:
    client = Client(REMOTE_ADDR=address)
    client.cookies[COOKIE] = value
    return client


def test_the_owner_comes_in_from_a_browser_they_used_before(ada: User) -> None:
    browser = used(ada.email)
    attack(ada.email)
    assert sign_in(browser, ada.email)["Location"] == "/"
    # Others cannot, not even with the right password: for them the account is shut for now.
    assert TOO_MANY in sign_in(Client(REMOTE_ADDR="192.0.2.9"), ada.email).content.decode()


def test_the_mailed_link_makes_a_browser_known(ada: User, client: Client) -> None:
    fields = {"password1": "other-words-42", "password2": "other-words-42"}
    attack(ada.email)
    client.get(f"/accounts/password/reset/key/{reset_key(ada)}/")
    client.post(
        f"/accounts/password/reset/key/{reset_key(ada).split('-')[0]}-set-password/", fields
    )
    attack(ada.email)
    assert sign_in(client, ada.email, "other-words-42").status_code == 302


def reset_key(user: User) -> str:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    return f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"


def test_a_session_is_a_browser_they_used(ada: User) -> None:
    browser = Client()
    sign_in(browser, ada.email)
    del browser.cookies[COOKIE]
    attack(ada.email)
    assert browser.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_the_cookie_of_one_person_is_nothing_to_another(ada: User, admin: User) -> None:
    browser = used(ada.email)
    attack(admin.email)
    assert TOO_MANY in sign_in(browser, admin.email).content.decode()


def test_several_people_share_a_browser_and_each_is_known(ada: User, admin: User) -> None:
    browser = used(ada.email)
    sign_in(browser, admin.email)
    browser.post("/accounts/logout/")
    for person in (ada, admin):
        attack(person.email)
        assert sign_in(browser, person.email).status_code == 302
        browser.post("/accounts/logout/")


def test_only_the_latest_five_are_kept(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_devices, "ACCOUNTS_AT_MOST", 2)
    for name in ("bo", "cy"):
        person = User(email=f"{name}@example.org")
        person.set_password(PASSWORD)
        person.save()
    browser = used(ada.email)
    for name in ("bo", "cy"):
        sign_in(browser, f"{name}@example.org")
        browser.post("/accounts/logout/")
    assert browser.cookies[COOKIE].value.count("~") == 1
    attack(ada.email)
    assert TOO_MANY in sign_in(browser, ada.email).content.decode()


def test_a_stolen_cookie_has_a_few_guesses_of_its_own(ada: User) -> None:
    stolen = used(ada.email).cookies[COOKIE].value
    attack(ada.email)
    said = [
        TOO_MANY
        in sign_in(with_cookie(stolen, f"203.0.113.{n}"), ada.email, f"g{n}").content.decode()
        for n in range(6)
    ]
    assert said == [False] * 4 + [True] * 2


def test_a_cookie_whose_guesses_are_used_up_counts_like_none(ada: User) -> None:
    browser = used(ada.email)
    for number in range(4):
        sign_in(with_cookie(browser.cookies[COOKIE].value), ada.email, f"guess-{number}")
    # A thief spent them; the owner is where everybody else is, and no worse.
    assert sign_in(browser, ada.email).status_code == 302


@pytest.mark.parametrize("change", ["cut", "made up", "other key", "empty", "long"])
def test_a_cookie_that_is_not_ours_is_nothing(ada: User, change: str, settings: Settings) -> None:
    value = used(ada.email).cookies[COOKIE].value
    account = known_devices._account(ada.email)
    other = TimestampSigner(key="x" * 40, salt=known_devices.SALT)
    changed = {
        "cut": value[:-1],
        "made up": f"{account}.device:1tXyZa:signature",
        "other key": other.sign(f"{account}.device"),
        "empty": "",
        "long": "x" * 2_000 + "~" + value,
    }[change]
    attack(ada.email)
    answer = sign_in(with_cookie(changed), ada.email)
    assert TOO_MANY in answer.content.decode()


def test_it_ends_after_half_a_year_without_signing_in(ada: User) -> None:
    with time_machine.travel("2026-01-01 12:00:00+00:00", tick=False) as clock:
        value = used(ada.email).cookies[COOKIE].value
        clock.shift(known_devices.LASTS_SECONDS + 1)
        attack(ada.email)
        assert TOO_MANY in sign_in(with_cookie(value), ada.email).content.decode()


def test_what_a_browser_carries_tells_nothing_and_no_script_reads_it(
    ada: User, settings: Settings
) -> None:
    plain = _cookie(used(ada.email), COOKIE)
    assert "ada" not in plain.value
    assert (plain["httponly"], plain["samesite"], plain["secure"]) == (True, "Lax", "")
    assert (plain["path"], plain["domain"]) == ("/", "")
    assert int(plain["max-age"]) == 180 * 86_400
    settings.SECURE_COOKIES = True
    assert _cookie(used(ada.email), f"__Host-{COOKIE}")["secure"] is True


def _cookie(client: Client, name: str) -> "Morsel[str]":
    return client.cookies[name]


def test_a_password_alone_does_not_make_a_browser_known(ada: User) -> None:
    set_up_second_factor(ada)
    browser = Client()
    sign_in(browser, ada.email)
    assert COOKIE not in browser.cookies
    browser.post("/accounts/2fa/authenticate/", {"code": code_now()})
    assert COOKIE in browser.cookies


def test_failures_and_visits_give_no_cookie(ada: User) -> None:
    browser = Client()
    sign_in(browser, ada.email, "wrong")
    browser.get("/accounts/login/")
    assert COOKIE not in browser.cookies

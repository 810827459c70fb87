"""A forgotten password: noted by the page, mailed by the worker, one link, one use, one host."""

import re
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import ResetWish, User
from freddy_admin.accounts.services import person_ensure
from freddy_admin.accounts.signing_in.resets import (
    back_off,
    reset_ask,
    resets_prune,
    resets_send_due,
)
from freddy_admin.core import clock
from tests.accounts.conftest import ACTOR, PASSWORD, code_now, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db

RESET = "/accounts/password/reset/"
NEW = {"password1": "other-words-42", "password2": "other-words-42"}
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PANEL = "https://panel.example.org"


def ask(email: str, client: Client | None = None) -> None:
    """Ask on the page; the worker takes its round."""
    assert (client or Client()).post(RESET, {"email": email}).status_code == 302
    resets_send_due()


def link() -> str:
    (message,) = mail.outbox
    (found,) = re.findall(rf"{PANEL}(/\S+)", str(message.body))
    return str(found)


def choose(client: Client, path: str) -> str:
    """Open the mailed link and choose the new password; the page at the end."""
    form = client.get(path, follow=True)
    done = client.post(form.redirect_chain[-1][0], NEW, follow=True)
    return str(done.content.decode())


@pytest.fixture(autouse=True)
def this_panel(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    settings.PANEL_URL = PANEL


def test_the_page_sends_nothing_and_keeps_no_link(ada: User) -> None:
    for email in (ada.email, "nobody@example.org", "ADA@example.org"):
        Client().post(RESET, {"email": email})
    assert mail.outbox == []
    wishes = list(ResetWish.objects.order_by("pk").values_list("email", flat=True))
    assert wishes == [ada.email, "nobody@example.org"]
    assert {field.name for field in ResetWish._meta.fields} == {
        "id",
        "email",
        "asked_at",
        "attempts",
        "next_attempt_at",
    }


def test_only_people_who_may_come_in_get_a_mail_and_no_wish_stays(ada: User) -> None:
    off = person_ensure(actor=ACTOR, email="off@example.org", password=PASSWORD)[0]
    User.objects.filter(pk=off.pk).update(is_active=False)
    for email in (ada.email, "nobody@example.org", off.email):
        ask(email)
    assert [message.to for message in mail.outbox] == [[ada.email]]
    assert not ResetWish.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "other.example"},
        {"x-forwarded-host": "evil.example"},
        {"x-forwarded-server": "evil.example", "forwarded": "host=evil.example"},
        {"x-original-host": "evil.example", "origin": "http://evil.example"},
    ],
)
def test_the_link_leads_to_this_panel_whatever_the_request_says(
    ada: User, headers: dict[str, str]
) -> None:
    ask(ada.email, Client(headers=headers))
    (message,) = mail.outbox
    assert re.findall(r"https?://[^/\s]+", str(message.body)) == [PANEL]
    assert "example" not in str(message.body).replace(PANEL, "")


@pytest.mark.parametrize("host", ["evil.example", "testserver@evil.example", "testserver:80:80"])
def test_a_host_somebody_made_up_is_refused(ada: User, host: str) -> None:
    answer = Client(headers={"host": host}).post(RESET, {"email": ada.email})

    assert answer.status_code == 400
    assert not ResetWish.objects.exists()


def test_a_mail_server_that_is_away_is_tried_again(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    with clock.using(lambda: NOON):
        with patch.object(EmailBackend, "send_messages", side_effect=ConnectionRefusedError("x")):
            ask(ada.email)
        assert "was not sent (ConnectionRefusedError)" in caplog.text
        assert ada.email not in caplog.text
        assert resets_send_due() == 0
    with clock.using(lambda: NOON + timedelta(seconds=30)):
        assert resets_send_due() == 1
    assert [message.to for message in mail.outbox] == [[ada.email]]


@pytest.mark.usefixtures("believed_clock")
def test_the_waits_grow_and_after_six_hours_the_wish_is_forgotten(ada: User) -> None:
    assert [back_off(n).total_seconds() for n in (1, 2, 3, 7, 50)] == [30, 60, 120, 1800, 1800]
    with clock.using(lambda: NOON):
        Client().post(RESET, {"email": ada.email})
    with clock.using(lambda: NOON + timedelta(hours=6, seconds=1)):
        assert (resets_send_due(), resets_prune()) == (0, 1)
    assert not ResetWish.objects.exists()
    assert mail.outbox == []


def test_who_asks_again_while_the_mail_is_on_its_way_gets_another(ada: User) -> None:
    def ask_again(*_: object) -> int:
        with clock.using(lambda: NOON + timedelta(seconds=1)):
            Client().post(RESET, {"email": ada.email})
        return 1

    with clock.using(lambda: NOON), patch.object(EmailBackend, "send_messages", ask_again):
        ask(ada.email)
    assert ResetWish.objects.get().attempts == 0


def test_of_two_workers_one_sends(ada: User) -> None:
    Client().post(RESET, {"email": ada.email})

    def other_worker(*_: object) -> int:
        assert resets_send_due() == 0
        return 1

    with patch.object(EmailBackend, "send_messages", other_worker):
        assert resets_send_due() == 1


def test_a_link_ends_after_an_hour(ada: User, settings: Settings, client: Client) -> None:
    assert settings.PASSWORD_RESET_TIMEOUT == 3_600
    ask(ada.email)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "works no longer" in client.get(link(), follow=True).content.decode()


def test_a_new_password_signs_nobody_in_and_skips_no_second_factor(
    ada: User, client: Client
) -> None:
    set_up_second_factor(ada)
    ask(ada.email)
    assert "Your password is changed" in choose(client, link())
    assert "_auth_user_id" not in client.session
    assert client.get("/")["Location"].startswith("/accounts/login/")
    assert sign_in(client, ada.email, "other-words-42")["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/")["Location"].startswith("/accounts/login/")
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    assert client.get("/").status_code == 200


def test_a_new_password_ends_every_session(ada: User, client: Client) -> None:
    here, there = Client(), Client()
    for browser in (here, there):
        sign_in(browser, ada.email)
    ask(ada.email)
    choose(client, link())
    assert [browser.get("/profile/").status_code for browser in (here, there)] == [302, 302]


def test_the_link_sets_a_new_password_once(client: Client, ada: User) -> None:
    ask(ada.email)
    path = link()
    assert "Choose a new password" in client.get(path, follow=True).content.decode()
    assert "Your password is changed" in choose(client, path)
    assert sign_in(Client(), ada.email, "other-words-42").status_code == 302
    assert "works no longer" in Client().get(path, follow=True).content.decode()


def test_a_new_password_ends_the_wait_of_an_account_somebody_guessed_at(
    client: Client, settings: Settings, ada: User
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "9/m/key", "login_failed_anywhere": "3/h/key"}
    for number in range(4):
        sign_in(Client(REMOTE_ADDR="192.0.2.66"), ada.email, f"guess-{number}")
    assert sign_in(Client(), ada.email).status_code == 200
    ask(ada.email)
    choose(client, link())

    assert sign_in(Client(), ada.email, "other-words-42").status_code == 302


def test_somebody_without_a_password_gets_one_this_way(client: Client) -> None:
    person_ensure(actor=ACTOR, email="new@example.org", password=None)
    ask("new@example.org")
    choose(client, link())

    assert sign_in(Client(), "new@example.org", "other-words-42").status_code == 302


def test_a_made_up_link_says_so(client: Client, ada: User) -> None:
    answer = client.get(f"/accounts/password/reset/key/{ada.pk}-planted/")

    assert "works no longer" in answer.content.decode()


def test_made_up_addresses_keep_nobody_waiting(ada: User) -> None:
    with clock.using(lambda: NOON):
        for number in range(30):
            reset_ask(email=f"made-up-{number}@example.org")
        reset_ask(email=ada.email)
        assert resets_send_due(limit=20) == 1
    assert not ResetWish.objects.exists()


def test_nobodys_letter_box_is_filled_by_asking(settings: Settings, ada: User) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {
        "reset_password": settings.ACCOUNT_RATE_LIMITS["reset_password"].replace("5/m/key,", "")
    }
    for email in (ada.email, "nobody@example.org"):
        told = [
            Client(REMOTE_ADDR=f"192.0.2.{number}").post(RESET, {"email": email}).status_code
            for number in range(12)
        ]
        assert told == [302] * 10 + [429] * 2

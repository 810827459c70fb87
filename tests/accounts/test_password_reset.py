"""Password resets: requested on the page, mailed by the worker; a link works once."""

import re
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.auth.password_reset import (
    password_reset_request_create,
    password_reset_requests_prune,
)
from freddy_admin.accounts.models import PasswordResetRequest, User
from freddy_admin.accounts.people import person_get_or_create
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import outbox_prune
from tests.accounts.conftest import (
    ACTOR,
    PASSWORD,
    current_totp_code,
    set_up_second_factor,
    sign_in,
)
from tests.mails import due_mails_send

pytestmark = pytest.mark.django_db

RESET = "/accounts/password/reset/"
NEW = {"password1": "other-words-42", "password2": "other-words-42"}
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PANEL = "https://panel.example.org"


def request_password_reset(email: str, client: Client | None = None) -> None:
    """Request a reset on the page, and send what is due as the worker does."""
    assert (client or Client()).post(RESET, {"email": email}).status_code == 302
    due_mails_send()


def mailed_reset_link() -> str:
    (message,) = mail.outbox
    (paths,) = re.findall(rf"{PANEL}(/\S+)", str(message.body))
    return str(paths)


def choose_new_password(client: Client, path: str) -> str:
    """Open the mailed link and choose the new password; returns the last page."""
    form_page = client.get(path, follow=True)
    done_page = client.post(form_page.redirect_chain[-1][0], NEW, follow=True)
    return str(done_page.content.decode())


@pytest.fixture(autouse=True)
def panel_url(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    settings.PANEL_URL = PANEL


def test_reset_page_sends_no_mail_and_stores_no_link(ada: User) -> None:
    for email in (ada.email, "nobody@example.org", "ADA@example.org"):
        Client().post(RESET, {"email": email})
    assert mail.outbox == []
    emails = list(PasswordResetRequest.objects.order_by("pk").values_list("email", flat=True))
    assert emails == [ada.email, "nobody@example.org"]
    assert {field.name for field in PasswordResetRequest._meta.fields} == {
        "id",
        "email",
        "requested_at",
    }


def test_only_active_people_get_a_reset_mail_and_no_request_stays(ada: User) -> None:
    inactive = person_get_or_create(actor=ACTOR, email="off@example.org", password=PASSWORD)[0]
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    for email in (ada.email, "nobody@example.org", inactive.email):
        request_password_reset(email)
    assert [message.to for message in mail.outbox] == [[ada.email]]
    assert not PasswordResetRequest.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "other.example"},
        {"x-forwarded-host": "evil.example"},
        {"x-forwarded-server": "evil.example", "forwarded": "host=evil.example"},
        {"x-original-host": "evil.example", "origin": "http://evil.example"},
    ],
)
def test_reset_link_leads_to_this_panel_whatever_the_request_says(
    ada: User, headers: dict[str, str]
) -> None:
    request_password_reset(ada.email, Client(headers=headers))
    (message,) = mail.outbox
    assert re.findall(r"https?://[^/\s]+", str(message.body)) == [PANEL]
    assert "example" not in str(message.body).replace(PANEL, "")


@pytest.mark.parametrize("host", ["evil.example", "testserver@evil.example", "testserver:80:80"])
def test_made_up_host_is_refused(ada: User, host: str) -> None:
    response = Client(headers={"host": host}).post(RESET, {"email": ada.email})

    assert response.status_code == 400
    assert not PasswordResetRequest.objects.exists()


def test_reset_mail_is_retried_after_a_mail_server_failure(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    with clock.override_clock(lambda: NOON):
        with patch.object(EmailBackend, "send_messages", side_effect=ConnectionRefusedError("x")):
            request_password_reset(ada.email)
        assert "was not sent (no_answer, ConnectionRefusedError)" in caplog.text
        assert ada.email not in caplog.text
        assert due_mails_send() == 0
    with clock.override_clock(lambda: NOON + timedelta(seconds=30)):
        assert due_mails_send() == 1
    assert [message.to for message in mail.outbox] == [[ada.email]]


@pytest.mark.usefixtures("trusted_clock")
def test_requests_expire_after_six_hours(ada: User) -> None:
    with clock.override_clock(lambda: NOON):
        Client().post(RESET, {"email": ada.email})
    with clock.override_clock(lambda: NOON + timedelta(hours=6, seconds=1)):
        assert (due_mails_send(), password_reset_requests_prune(), outbox_prune()) == (0, 1, 1)
    assert not PasswordResetRequest.objects.exists()
    assert mail.outbox == []


def test_request_made_while_a_mail_is_sent_is_kept(ada: User) -> None:
    def request_again(*_: object) -> int:
        with clock.override_clock(lambda: NOON + timedelta(seconds=1)):
            Client().post(RESET, {"email": ada.email})
        return 1

    with (
        clock.override_clock(lambda: NOON),
        patch.object(EmailBackend, "send_messages", request_again),
    ):
        request_password_reset(ada.email)
    assert PasswordResetRequest.objects.get().requested_at == NOON + timedelta(seconds=1)
    assert OutboxMessage.objects.get().attempts == 0


def test_only_one_of_two_workers_sends_the_reset_mail(ada: User) -> None:
    Client().post(RESET, {"email": ada.email})

    def other_worker(*_: object) -> int:
        assert due_mails_send() == 0
        return 1

    with patch.object(EmailBackend, "send_messages", other_worker):
        assert due_mails_send() == 1


def test_reset_link_expires_after_an_hour(ada: User, settings: Settings, client: Client) -> None:
    assert settings.PASSWORD_RESET_TIMEOUT == 3_600
    request_password_reset(ada.email)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "works no longer" in client.get(mailed_reset_link(), follow=True).content.decode()


def test_a_new_password_signs_nobody_in_and_skips_no_second_factor(
    ada: User, client: Client
) -> None:
    set_up_second_factor(ada)
    request_password_reset(ada.email)
    assert "Your password is changed" in choose_new_password(client, mailed_reset_link())
    assert "_auth_user_id" not in client.session
    assert client.get("/")["Location"].startswith("/accounts/login/")
    assert sign_in(client, ada.email, "other-words-42")["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/")["Location"].startswith("/accounts/login/")
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    assert client.get("/").status_code == 200


def test_a_new_password_ends_every_session(ada: User, client: Client) -> None:
    first_client, second_client = Client(), Client()
    for session_client in (first_client, second_client):
        sign_in(session_client, ada.email)
    request_password_reset(ada.email)
    choose_new_password(client, mailed_reset_link())
    assert [
        session_client.get("/profile/").status_code
        for session_client in (first_client, second_client)
    ] == [302, 302]


def test_reset_link_sets_a_new_password_once(client: Client, ada: User) -> None:
    request_password_reset(ada.email)
    path = mailed_reset_link()
    assert "Choose a new password" in client.get(path, follow=True).content.decode()
    assert "Your password is changed" in choose_new_password(client, path)
    assert sign_in(Client(), ada.email, "other-words-42").status_code == 302
    assert "works no longer" in Client().get(path, follow=True).content.decode()


def test_new_password_clears_the_login_limit_of_the_account(
    client: Client, settings: Settings, ada: User
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "9/m/key", "login_failed_anywhere": "3/h/key"}
    for number in range(4):
        sign_in(Client(REMOTE_ADDR="192.0.2.66"), ada.email, f"guess-{number}")
    assert sign_in(Client(), ada.email).status_code == 200
    request_password_reset(ada.email)
    choose_new_password(client, mailed_reset_link())

    assert sign_in(Client(), ada.email, "other-words-42").status_code == 302


def test_person_without_a_password_chooses_one_by_the_reset_link(client: Client) -> None:
    person_get_or_create(actor=ACTOR, email="new@example.org", password=None)
    request_password_reset("new@example.org")
    choose_new_password(client, mailed_reset_link())

    assert sign_in(Client(), "new@example.org", "other-words-42").status_code == 302


def test_made_up_reset_link_is_refused(client: Client, ada: User) -> None:
    response = client.get(f"/accounts/password/reset/key/{ada.pk}-planted/")

    assert "works no longer" in response.content.decode()


def test_made_up_addresses_delay_no_reset_mail(ada: User) -> None:
    with clock.override_clock(lambda: NOON):
        for number in range(30):
            password_reset_request_create(email=f"made-up-{number}@example.org")
        password_reset_request_create(email=ada.email)
        assert due_mails_send(limit=20) == 1
    assert not PasswordResetRequest.objects.exists()


def test_reset_mails_to_one_address_are_limited(settings: Settings, ada: User) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {
        "reset_password": settings.ACCOUNT_RATE_LIMITS["reset_password"].replace("5/m/key,", "")
    }
    for email in (ada.email, "nobody@example.org"):
        statuses = [
            Client(REMOTE_ADDR=f"192.0.2.{number}").post(RESET, {"email": email}).status_code
            for number in range(12)
        ]
        assert statuses == [302] * 10 + [429] * 2

"""A forgotten password: one link, the same page for everyone, whatever the mail server does."""

import re
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from freddy_admin.accounts import forms
from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db

RESET = "/accounts/password/reset/"
NEW = {"password1": "other-words-42", "password2": "other-words-42"}


def ask(email: str) -> tuple[int, str, str]:
    client = Client()
    answer = client.post(RESET, {"email": email})
    done = client.get(answer["Location"]).content.decode()
    return (
        answer.status_code,
        answer["Location"],
        re.sub(r'value="\w{64}"|data-now="\d+"', "", done),
    )


def link() -> str:
    (message,) = mail.outbox
    (found,) = re.findall(r"http://testserver(/\S+)", str(message.body))
    return str(found)


@pytest.fixture(autouse=True)
def this_host(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What is to be done once the answer is out."""
    jobs: list[Callable[[], object]] = []
    # The library finds its request in the context, as `later` hands it on.
    monkeypatch.setattr(forms, "later", lambda job: jobs.append(partial(copy_context().run, job)))
    return jobs


@pytest.fixture(autouse=True)
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "waiting" not in request.fixturenames:
        monkeypatch.setattr(forms, "later", lambda job: job())


def test_until_the_answer_is_out_the_same_is_done_for_everybody(
    ada: User, waiting: list[Callable[[], object]]
) -> None:
    Client().post(RESET, {"email": "first@example.org"})  # begins the count of this address
    asked = []
    for email in (ada.email, "nobody@example.org"):
        with CaptureQueriesContext(connection) as queries:
            Client().post(RESET, {"email": email})
        asked.append([re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries])
    assert asked[0] == asked[1]
    assert not any("accounts_user" in sql for sql in asked[0])
    assert (len(waiting), mail.outbox) == (3, [])

    for job in waiting:
        job()
    assert [message.to for message in mail.outbox] == [[ada.email]]


def test_known_unknown_and_inactive_addresses_look_the_same(ada: User) -> None:
    off = person_ensure(actor=ACTOR, email="off@example.org", password=PASSWORD)[0]
    User.objects.filter(pk=off.pk).update(is_active=False)

    emails = ("ada@example.org", "nobody@example.org", "off@example.org")
    assert len({ask(email) for email in emails}) == 1
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]


def test_the_link_sets_a_new_password_once(client: Client, ada: User) -> None:
    ask(ada.email)
    path = link()
    form = client.get(path, follow=True)
    assert "Choose a new password" in form.content.decode()
    done = client.post(form.redirect_chain[-1][0], NEW, follow=True)

    assert "Your password is changed" in done.content.decode()
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
    form = client.get(link(), follow=True)
    client.post(form.redirect_chain[-1][0], NEW)

    assert sign_in(Client(), ada.email, "other-words-42").status_code == 302


def test_somebody_without_a_password_gets_one_this_way(client: Client) -> None:
    person_ensure(actor=ACTOR, email="new@example.org", password=None)
    ask("new@example.org")
    form = client.get(link(), follow=True)
    client.post(form.redirect_chain[-1][0], NEW)

    assert sign_in(Client(), "new@example.org", "other-words-42").status_code == 302


def test_a_made_up_link_says_so(client: Client, ada: User) -> None:
    answer = client.get(f"/accounts/password/reset/key/{ada.pk}-planted/")

    assert "works no longer" in answer.content.decode()


def test_a_mail_server_that_is_away_changes_nothing(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    with patch.object(EmailBackend, "send_messages", side_effect=ConnectionRefusedError("planted")):
        answers = {ask(email) for email in ("ada@example.org", "nobody@example.org")}

    assert len(answers) == 1
    assert "was not sent: ConnectionRefusedError" in caplog.text
    assert "ada@example.org" not in caplog.text


def test_a_host_somebody_made_up_is_refused(ada: User) -> None:
    answer = Client(headers={"host": "evil.example"}).post(RESET, {"email": ada.email})

    assert answer.status_code == 400
    assert mail.outbox == []

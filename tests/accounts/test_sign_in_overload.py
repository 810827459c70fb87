"""An overload of sign-ins: what a refusal shows, and how little it costs."""

import logging
import re

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from pytest_django.fixtures import Settings

from freddy_admin.accounts.auth import backends
from freddy_admin.accounts.auth.backends import hashing_queue
from freddy_admin.accounts.auth.first_admin_setup_link import (
    first_admin_create,
    setup_link_create,
)
from freddy_admin.accounts.models import AttemptHistory, SetupLink, User
from freddy_admin.accounts.people import person_get_or_create
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
SENTENCE = "Too many people are signing in at this moment. Try again in a few seconds."
LOGIN = "/accounts/login/"
KINDS = ("ada", "eve", "off", "non", "old")


@pytest.fixture
def strangers_queue_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill the queue of strangers."""
    monkeypatch.setattr(backends, "STRANGERS_AT_ONCE", 0)


@pytest.fixture
def all_queues_full(strangers_queue_full: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill the queues of strangers and of known people."""
    monkeypatch.setattr(backends, "KNOWN_AT_ONCE", 0)


@pytest.fixture
def people(ada: User) -> None:
    """An active person, an inactive one, one without a password, and one with an old hash."""
    for name in ("off", "old"):
        person_get_or_create(actor=ACTOR, email=f"{name}@example.org", password=PASSWORD)
    person_get_or_create(actor=ACTOR, email="non@example.org", password=None)
    User.objects.filter(email="off@example.org").update(is_active=False)
    User.objects.filter(email="old@example.org").update(password=make_password("x", "s" * 22))


def assert_refused(response: HttpResponse) -> str:
    assert response.status_code == 429
    assert response["Retry-After"] == "5"
    page = response.content.decode()
    assert SENTENCE in page
    assert PASSWORD not in page
    return page


def test_refused_sign_in_keeps_the_form_but_the_password(
    strangers_queue_full: None, hashed_passwords: list[str]
) -> None:
    page = assert_refused(
        Client().post(LOGIN, {"login": "Ada@ex.org", "password": PASSWORD, "next": "/x"})
    )
    assert 'value="Ada@ex.org"' in page
    assert 'name="next" value="/x"' in page
    assert 'type="password"' in page
    assert hashed_passwords == []


def test_refused_sign_in_escapes_the_typed_login(strangers_queue_full: None) -> None:
    page = assert_refused(sign_in(Client(), '"><script>alert(1)</script>' + "x" * 9_000))
    assert "<script>alert" not in page
    assert "x" * 321 not in page


def test_refused_program_gets_json(strangers_queue_full: None) -> None:
    response = Client(headers={"accept": "application/json"}).post(LOGIN, {"login": "a@b.de"})
    assert (response.status_code, response["Retry-After"]) == (429, "5")
    assert response.json() == {"detail": SENTENCE}


def test_a_refusal_tells_nothing_about_the_account(
    people: None, strangers_queue_full: None
) -> None:
    pages = set()
    for kind in KINDS:
        for password in (PASSWORD, "a guess"):
            page = assert_refused(sign_in(Client(), f"{kind}@example.org", password))
            pages.add(re.sub(rf'{kind}@|value="\w{{64}}"|data-now="\d+"', "", page))
    assert len(pages) == 1


def test_refusal_costs_no_statement_no_hash_and_no_log_line(
    ada: User,
    strangers_queue_full: None,
    hashed_passwords: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    event_count = AuditEvent.objects.count()
    assert_refused(sign_in(Client(), ada.email))  # the first refusal in a minute is logged
    caplog.clear()
    caplog.set_level(logging.INFO)
    with CaptureQueriesContext(connection) as queries:
        assert_refused(sign_in(Client(), ada.email))
        assert_refused(sign_in(Client(), "eve@example.org", "guess"))
    # Checks before any form whether the database takes writes.
    write_checks = ("can this be written", "transaction_read_only", "SAVEPOINT")
    statements = [
        query["sql"]
        for query in queries
        if not any(write_check in query["sql"] for write_check in write_checks)
    ]
    assert statements == []
    assert hashed_passwords == []
    assert caplog.records == []
    assert AuditEvent.objects.count() == event_count


def test_refusal_is_not_counted_as_an_attempt(
    ada: User,
    strangers_queue_full: None,
    monkeypatch: pytest.MonkeyPatch,
    hashed_passwords: list[str],
) -> None:
    for _ in range(40):
        assert_refused(sign_in(Client(), ada.email, "guess"))
    assert not AttemptHistory.objects.exists()
    monkeypatch.undo()
    for _ in range(5):
        assert "not correct" in sign_in(Client(), ada.email, "guess").content.decode()
    assert "Too many failed" in sign_in(Client(), ada.email, "guess").content.decode()
    assert len(hashed_passwords) == 5


def test_known_browser_signs_in_while_strangers_wait(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_client = Client()
    sign_in(known_client, ada.email)
    known_client.post("/accounts/logout/")
    monkeypatch.setattr(backends, "STRANGERS_AT_ONCE", 0)
    assert_refused(sign_in(Client(), ada.email))
    # The browser is known for this person alone.
    assert_refused(sign_in(known_client, "eve@example.org"))
    assert sign_in(known_client, ada.email)["Location"] == "/"
    assert known_client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_sign_in_page_is_shown_in_an_overload(all_queues_full: None) -> None:
    page = Client().get(LOGIN)
    assert page.status_code == 200
    assert SENTENCE not in page.content.decode()


def test_refused_reauthentication_is_no_wrong_password(
    ada: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed_device": "1/h/key"}
    signed_in_client = Client()
    sign_in(signed_in_client, ada.email)
    with monkeypatch.context() as context:
        context.setattr(backends, "STRANGERS_AT_ONCE", 0)
        context.setattr(backends, "KNOWN_AT_ONCE", 0)
        event_count = AuditEvent.objects.count()
        for _ in range(3):
            page = assert_refused(
                signed_in_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
            )
            assert 'href="/accounts/reauthenticate/"' in page
        assert AuditEvent.objects.count() == event_count
    assert (
        signed_in_client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code
        == 302
    )


NEW = {"password1": "other-words-42", "password2": "other-words-42"}
PANEL_HASHERS = ["freddy_admin.accounts.auth.backends.QueuedPasswordHasher"]


def test_refused_password_change_keeps_the_former_password(
    ada: User, all_queues_full: None, settings: Settings
) -> None:
    signed_in_client = Client()
    signed_in_client.force_login(ada)
    settings.PASSWORD_HASHERS = [*PANEL_HASHERS, *settings.PASSWORD_HASHERS]
    response = signed_in_client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **NEW})
    assert 'href="/accounts/password/change/"' in assert_refused(response)
    assert User.objects.get().password == ada.password


def test_reset_link_still_works_after_a_refusal(
    ada: User, monkeypatch: pytest.MonkeyPatch, all_queues_full: None, client: Client
) -> None:
    key = f"{user_pk_to_url_str(ada)}-{default_token_generator.make_token(ada)}"
    client.get(f"/accounts/password/reset/key/{key}/")
    path = f"/accounts/password/reset/key/{key.split('-')[0]}-set-password/"
    with override_settings(PASSWORD_HASHERS=PANEL_HASHERS):
        assert f'href="{path}"' in assert_refused(client.post(path, NEW))
    client.post(path, NEW)
    monkeypatch.setattr(backends, "STRANGERS_AT_ONCE", 2)
    assert sign_in(Client(), ada.email, "other-words-42").status_code == 302


ROOT = {"name": "Ada Lovelace", "email": "ada@example.org", "password": PASSWORD}


def test_refused_set_up_keeps_the_form_and_the_link(
    monkeypatch: pytest.MonkeyPatch, all_queues_full: None
) -> None:
    path = f"/first-visit/{setup_link_create()}/"
    page = assert_refused(Client().post(path, ROOT))
    assert 'value="Ada Lovelace"' in page
    assert 'value="ada@example.org"' in page
    monkeypatch.setattr(backends, "KNOWN_AT_ONCE", 5)
    assert Client().post(path, ROOT).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_slot_within_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    atomic_states: list[bool] = []
    acquire = hashing_queue.slots.acquire

    def recording_acquire(*, priority: bool) -> int | None:
        atomic_states.append(connection.in_atomic_block)
        return acquire(priority=priority)

    monkeypatch.setattr(hashing_queue.slots, "acquire", recording_acquire)
    first_admin_create(token=setup_link_create(), actor=ACTOR, **ROOT)
    assert atomic_states == [False]
    assert SetupLink.objects.get().used_at is not None

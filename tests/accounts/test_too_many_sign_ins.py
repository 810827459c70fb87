"""Where no place to hash a password is left: who is told what, and how little that costs."""

import logging
import re

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.hashers import make_password
from django.core.cache import caches
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import FirstLink, User
from freddy_admin.accounts.services import person_ensure
from freddy_admin.accounts.signing_in import hashing
from freddy_admin.accounts.signing_in.first_visit import first_admin_make, first_link_make
from freddy_admin.accounts.signing_in.hashing import hashing_queue
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
SENTENCE = "Too many people are signing in at this moment. Try again in a few seconds."
LOGIN = "/accounts/login/"
KINDS = ("ada", "eve", "off", "non", "old")


@pytest.fixture
def flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers have all their places to wait."""
    monkeypatch.setattr(hashing_queue, "_strangers", hashing.STRANGERS_AT_ONCE)


@pytest.fixture
def jam(flood: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so have all others."""
    monkeypatch.setattr(hashing, "KNOWN_AT_ONCE", 0)


@pytest.fixture
def people(ada: User) -> None:
    """Somebody, nobody, somebody switched off, without a password, and from long ago."""
    for name in ("off", "old"):
        person_ensure(actor=ACTOR, email=f"{name}@example.org", password=PASSWORD)
    person_ensure(actor=ACTOR, email="non@example.org", password=None)
    User.objects.filter(email="off@example.org").update(is_active=False)
    User.objects.filter(email="old@example.org").update(password=make_password("x", "s" * 22))


def refused(answer: HttpResponse) -> str:
    assert answer.status_code == 429
    assert answer["Retry-After"] == "5"
    page = answer.content.decode()
    assert SENTENCE in page
    assert PASSWORD not in page
    return page


def test_a_stranger_keeps_what_they_typed_but_the_password(flood: None, hashes: list[str]) -> None:
    page = refused(
        Client().post(LOGIN, {"login": "Ada@ex.org", "password": PASSWORD, "next": "/x"})
    )
    assert 'value="Ada@ex.org"' in page
    assert 'name="next" value="/x"' in page
    assert 'type="password"' in page
    assert hashes == []


def test_what_a_stranger_typed_is_text(flood: None) -> None:
    page = refused(sign_in(Client(), '"><script>alert(1)</script>' + "x" * 9_000))
    assert "<script>alert" not in page
    assert "x" * 321 not in page


def test_a_program_is_told_in_json(flood: None) -> None:
    answer = Client(headers={"accept": "application/json"}).post(LOGIN, {"login": "a@b.de"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert answer.json() == {"detail": SENTENCE}


def test_a_refusal_tells_nothing_about_the_account(people: None, flood: None) -> None:
    told = set()
    for kind in KINDS:
        for password in (PASSWORD, "a guess"):
            page = refused(sign_in(Client(), f"{kind}@example.org", password))
            told.add(re.sub(rf'{kind}@|value="\w{{64}}"|data-now="\d+"', "", page))
    assert len(told) == 1


def test_a_refusal_costs_no_statement_no_hash_and_no_line(
    ada: User, flood: None, hashes: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = AuditEvent.objects.count()
    refused(sign_in(Client(), ada.email))  # which says so once a minute
    caplog.clear()
    caplog.set_level(logging.INFO)
    with CaptureQueriesContext(connection) as queries:
        refused(sign_in(Client(), ada.email))
        refused(sign_in(Client(), "eve@example.org", "guess"))
    # Before any form: whether the database takes writes at all.
    looks = ("can this be written", "transaction_read_only", "SAVEPOINT")
    told = [query["sql"] for query in queries if not any(one in query["sql"] for one in looks)]
    assert told == []
    assert hashes == []
    assert caplog.records == []
    assert AuditEvent.objects.count() == before


def test_a_refusal_is_no_attempt(
    ada: User, flood: None, monkeypatch: pytest.MonkeyPatch, hashes: list[str]
) -> None:
    for name in ("set", "add", "incr"):
        kind = type(caches["default"])
        monkeypatch.setattr(kind, name, lambda *_, **__: pytest.fail("something was counted"))
    for _ in range(40):
        refused(sign_in(Client(), ada.email, "guess"))
    monkeypatch.undo()
    for _ in range(5):
        assert "not correct" in sign_in(Client(), ada.email, "guess").content.decode()
    assert "Too many failed" in sign_in(Client(), ada.email, "guess").content.decode()
    assert len(hashes) == 5


def test_a_browser_used_before_signs_in_while_strangers_wait(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Client()
    sign_in(browser, ada.email)
    browser.post("/accounts/logout/")
    monkeypatch.setattr(hashing_queue, "_strangers", hashing.STRANGERS_AT_ONCE)
    refused(sign_in(Client(), ada.email))
    # It is theirs alone: for anybody else they are strangers.
    refused(sign_in(browser, "eve@example.org"))
    assert sign_in(browser, ada.email)["Location"] == "/"
    assert browser.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_the_sign_in_page_itself_is_there(jam: None) -> None:
    page = Client().get(LOGIN)
    assert page.status_code == 200
    assert SENTENCE not in page.content.decode()


def test_who_confirms_is_told_so_and_it_is_no_wrong_password(
    ada: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed_device": "1/h/key"}
    browser = Client()
    sign_in(browser, ada.email)
    with monkeypatch.context() as patch:
        patch.setattr(hashing_queue, "_strangers", hashing.STRANGERS_AT_ONCE)
        patch.setattr(hashing, "KNOWN_AT_ONCE", 0)
        before = AuditEvent.objects.count()
        for _ in range(3):
            page = refused(browser.post("/accounts/reauthenticate/", {"password": PASSWORD}))
            assert 'href="/accounts/reauthenticate/"' in page
        assert AuditEvent.objects.count() == before
    assert browser.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


NEW = {"password1": "other-words-42", "password2": "other-words-42"}
OURS = ["freddy_admin.accounts.signing_in.hashing.QueuedPasswordHasher"]


def test_who_changes_their_password_is_told_so_and_keeps_the_former_one(
    ada: User, jam: None, settings: Settings
) -> None:
    browser = Client()
    browser.force_login(ada)
    settings.PASSWORD_HASHERS = [*OURS, *settings.PASSWORD_HASHERS]
    page = browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, **NEW})
    assert 'href="/accounts/password/change/"' in refused(page)
    assert User.objects.get().password == ada.password


def test_the_mailed_link_still_works_afterwards(
    ada: User, monkeypatch: pytest.MonkeyPatch, jam: None, client: Client
) -> None:
    key = f"{user_pk_to_url_str(ada)}-{default_token_generator.make_token(ada)}"
    client.get(f"/accounts/password/reset/key/{key}/")
    page = f"/accounts/password/reset/key/{key.split('-')[0]}-set-password/"
    with override_settings(PASSWORD_HASHERS=OURS):
        assert f'href="{page}"' in refused(client.post(page, NEW))
    client.post(page, NEW)
    monkeypatch.setattr(hashing_queue, "_strangers", 0)
    assert sign_in(Client(), ada.email, "other-words-42").status_code == 302


ROOT = {"name": "Ada Lovelace", "email": "ada@example.org", "password": PASSWORD}


def test_the_first_visit_keeps_name_and_address_and_its_link(
    monkeypatch: pytest.MonkeyPatch, jam: None
) -> None:
    address = f"/first-visit/{first_link_make()}/"
    page = refused(Client().post(address, ROOT))
    assert 'value="Ada Lovelace"' in page
    assert 'value="ada@example.org"' in page
    monkeypatch.setattr(hashing, "KNOWN_AT_ONCE", 5)
    assert Client().post(address, ROOT).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_slot_within_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    within: list[bool] = []
    take = hashing_queue.slots.take

    def taking(*, first: bool) -> int | None:
        within.append(connection.in_atomic_block)
        return take(first=first)

    monkeypatch.setattr(hashing_queue.slots, "take", taking)
    first_admin_make(token=first_link_make(), actor=ACTOR, **ROOT)
    assert within == [False]
    assert FirstLink.objects.get().used_at is not None

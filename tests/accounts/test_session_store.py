"""Sessions at rest: the key as a hash, the content sealed, the browser's cookie nowhere."""

import re
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client
from django.utils import timezone

from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.session_store import SessionStore, session_key_hash
from freddy_admin.accounts.sessions import sessions_of
from tests.accounts.conftest import sign_in

pytestmark = pytest.mark.django_db
PAGE = "/profile/"


def begun(**content: object) -> SessionStore:
    session = SessionStore()
    session.update(content)
    session.save()
    return session


def with_cookie(cookie: str) -> Client:
    client = Client()
    client.cookies["sessionid"] = cookie
    return client


def test_a_stored_session_holds_neither_its_key_nor_what_it_says() -> None:
    session = begun(word="planted-in-a-session")
    row = Session.objects.get()

    assert re.fullmatch(r"[\w-]{40}", row.session_key)
    assert row.session_key == session_key_hash(session.session_key)
    assert str(session.session_key) not in f"{row.session_key} {row.session_data}"
    assert row.session_data.startswith("v1.")
    assert SessionStore(session.session_key)["word"] == "planted-in-a-session"


def test_the_hash_of_a_key_is_no_key() -> None:
    stored = session_key_hash(begun(word="x").session_key)

    assert not SessionStore().exists(stored)
    assert SessionStore(stored).load() == {}
    assert not SessionStore().exists(session_key_hash(stored))


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_has_no_hash(key: str | None) -> None:
    assert session_key_hash(key) == ""


@pytest.mark.parametrize("key", ["a" * 5_000, "\x00" * 32, "\udcff" * 32, "é" * 32, "a" * 7])
def test_a_key_of_any_shape_is_a_missing_session(key: str) -> None:
    session = SessionStore(key)

    assert session.get("word") is None
    assert session.session_key is None
    assert not session.exists(key)


def test_a_session_is_saved_loaded_and_ended_by_the_key_of_the_cookie() -> None:
    session = begun(word="first")
    key = session.session_key
    session["word"] = "second"
    session.save()

    assert SessionStore(key)["word"] == "second"
    assert session.exists(key)
    session.delete()
    assert not session.exists(key)
    session.delete()  # once more does nothing
    SessionStore().delete()
    session.delete(begun(word="other").session_key)
    assert not Session.objects.exists()


def test_a_session_under_another_key_keeps_what_it_says_and_loses_the_former_key() -> None:
    session = begun(word="kept")
    former = session.session_key
    session.cycle_key()
    session.save()

    assert session.session_key != former
    assert not session.exists(former)
    assert SessionStore(session.session_key)["word"] == "kept"
    session.flush()
    assert (session.session_key, Session.objects.count()) == (None, 0)


def test_sessions_that_are_over_are_not_opened_and_are_cleared() -> None:
    over, living = begun(word="over"), begun(word="living")
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(pk=session_key_hash(over.session_key)).update(expire_date=past)

    assert SessionStore(over.session_key).load() == {}
    SessionStore.clear_expired()
    assert [row.session_key for row in Session.objects.all()] == [
        session_key_hash(living.session_key)
    ]


def test_a_session_does_the_same_where_it_is_awaited() -> None:
    async def used() -> tuple[str | None, str | None]:
        session = SessionStore()
        await session.aset("word", "kept")
        await session.asave()
        former = session.session_key
        assert await SessionStore(former).aget("word") == "kept"
        await session.acycle_key()
        await session.asave()
        assert not await session.aexists(former)
        return former, session.session_key

    former, key = async_to_sync(used)()
    assert former != key
    assert Session.objects.get().session_key == session_key_hash(key)
    assert SessionStore(key)["word"] == "kept"
    async_to_sync(SessionStore(key).aflush)()
    assert not Session.objects.exists()


def test_a_key_as_a_former_version_stored_it_opens_nothing(ada: User) -> None:
    client = Client()
    sign_in(client, ada.email)
    salt = "django.contrib.sessions.SessionStore"
    content = signing.dumps(dict(client.session), salt=salt, compress=True)
    later = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key="a" * 32, session_data=content, expire_date=later)
    stored = session_key_hash("b" * 32)
    Session.objects.create(session_key=stored, session_data=content, expire_date=later)

    assert with_cookie("a" * 32).get(PAGE).status_code == 302
    assert with_cookie("b" * 32).get(PAGE).status_code == 302
    assert client.get(PAGE).status_code == 200


def test_the_list_of_sessions_goes_on_under_another_key(ada: User) -> None:
    client = Client(headers={"user-agent": "Firefox"})
    sign_in(client, ada.email)
    noted = UserSession.objects.get()
    session = client.session
    session.cycle_key()
    session.save()

    (listed,) = sessions_of(user=ada, here=session.session_key)
    assert (listed.id, listed.is_here) == (noted.pk, True)
    assert listed.since == noted.created_at

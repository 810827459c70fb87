"""Sessions at rest: the key as a hash, the data encrypted, the browser's cookie nowhere."""

import re
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client
from django.utils import timezone

from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.session_list import sessions_list
from freddy_admin.accounts.sessions import SessionStore, session_key_hash
from tests.accounts.conftest import sign_in

pytestmark = pytest.mark.django_db
PAGE = "/profile/"


def create_session(**data: object) -> SessionStore:
    session = SessionStore()
    session.update(data)
    session.save()
    return session


def client_with_session_cookie(cookie: str) -> Client:
    client = Client()
    client.cookies["sessionid"] = cookie
    return client


def test_stored_session_holds_neither_its_key_nor_its_data() -> None:
    session = create_session(word="planted-in-a-session")
    row = Session.objects.get()

    assert re.fullmatch(r"[\w-]{40}", row.session_key)
    assert row.session_key == session_key_hash(session.session_key)
    assert str(session.session_key) not in f"{row.session_key} {row.session_data}"
    assert row.session_data.startswith("v1.")
    assert SessionStore(session.session_key)["word"] == "planted-in-a-session"


def test_hash_of_a_session_key_is_no_session_key() -> None:
    key_hash = session_key_hash(create_session(word="x").session_key)

    assert not SessionStore().exists(key_hash)
    assert SessionStore(key_hash).load() == {}
    assert not SessionStore().exists(session_key_hash(key_hash))


@pytest.mark.parametrize("key", [None, ""])
def test_empty_session_key_has_no_hash(key: str | None) -> None:
    assert session_key_hash(key) == ""


@pytest.mark.parametrize("key", ["a" * 5_000, "\x00" * 32, "\udcff" * 32, "é" * 32, "a" * 7])
def test_malformed_session_key_is_a_missing_session(key: str) -> None:
    session = SessionStore(key)

    assert session.get("word") is None
    assert session.session_key is None
    assert not session.exists(key)


def test_session_is_saved_loaded_and_deleted_by_the_key_of_the_cookie() -> None:
    session = create_session(word="first")
    key = session.session_key
    session["word"] = "second"
    session.save()

    assert SessionStore(key)["word"] == "second"
    assert session.exists(key)
    session.delete()
    assert not session.exists(key)
    session.delete()  # once more does nothing
    SessionStore().delete()
    session.delete(create_session(word="other").session_key)
    assert not Session.objects.exists()


def test_cycled_session_keeps_its_data_and_loses_the_former_key() -> None:
    session = create_session(word="kept")
    former_key = session.session_key
    session.cycle_key()
    session.save()

    assert session.session_key != former_key
    assert not session.exists(former_key)
    assert SessionStore(session.session_key)["word"] == "kept"
    session.flush()
    assert (session.session_key, Session.objects.count()) == (None, 0)


def test_expired_sessions_are_not_loaded_and_are_cleared() -> None:
    expired, live = create_session(word="over"), create_session(word="living")
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(pk=session_key_hash(expired.session_key)).update(expire_date=past)

    assert SessionStore(expired.session_key).load() == {}
    SessionStore.clear_expired()
    assert [row.session_key for row in Session.objects.all()] == [
        session_key_hash(live.session_key)
    ]


def test_session_works_the_same_when_awaited() -> None:
    async def cycle_session() -> tuple[str | None, str | None]:
        session = SessionStore()
        await session.aset("word", "kept")
        await session.asave()
        former_key = session.session_key
        assert await SessionStore(former_key).aget("word") == "kept"
        await session.acycle_key()
        await session.asave()
        assert not await session.aexists(former_key)
        return former_key, session.session_key

    former_key, key = async_to_sync(cycle_session)()
    assert former_key != key
    assert Session.objects.get().session_key == session_key_hash(key)
    assert SessionStore(key)["word"] == "kept"
    async_to_sync(SessionStore(key).aflush)()
    assert not Session.objects.exists()


def test_session_row_of_a_former_version_opens_nothing(ada: User) -> None:
    client = Client()
    sign_in(client, ada.email)
    salt = "django.contrib.sessions.SessionStore"
    session_data = signing.dumps(dict(client.session), salt=salt, compress=True)
    later = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key="a" * 32, session_data=session_data, expire_date=later)
    key_hash = session_key_hash("b" * 32)
    Session.objects.create(session_key=key_hash, session_data=session_data, expire_date=later)

    assert client_with_session_cookie("a" * 32).get(PAGE).status_code == 302
    assert client_with_session_cookie("b" * 32).get(PAGE).status_code == 302
    assert client.get(PAGE).status_code == 200


def test_user_session_follows_a_cycled_key(ada: User) -> None:
    client = Client(headers={"user-agent": "Firefox"})
    sign_in(client, ada.email)
    row = UserSession.objects.get()
    session = client.session
    session.cycle_key()
    session.save()

    (active_session,) = sessions_list(user=ada, current_key=session.session_key)
    assert (active_session.id, active_session.is_current) == (row.pk, True)
    assert active_session.started_at == row.created_at

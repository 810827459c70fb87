"""Drill S40: whoever can write our tables cannot have us run what they like."""

import base64
import pickle
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection
from django.test import Client

from freddy_admin.accounts.session_store import session_key_hash
from freddy_admin.core import clock

pytestmark = pytest.mark.django_db
RUN: list[str] = []


def _runs(word: str) -> str:
    RUN.append(word)
    return word


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _runs, ("ran",)


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RUN.clear()


def test_the_bomb_goes_off_where_it_is_unpickled() -> None:
    pickle.loads(pickle.dumps(_Bomb()))
    assert RUN == ["ran"]


def _plant(value: bytes) -> None:
    caches["default"].set("planted", "sound", timeout=60)
    with connection.cursor() as cursor:
        text = base64.b64encode(value).decode()
        cursor.execute(
            "UPDATE core_cache SET value = %s WHERE cache_key LIKE %s", [text, "%planted"]
        )


@pytest.mark.parametrize("value", [pickle.dumps(_Bomb()), pickle.dumps(5), b"\x80", b"", b"{"])
def test_in_the_cache_it_is_taken_for_an_absent_value(value: bytes) -> None:
    _plant(value)
    assert caches["default"].get("planted", "absent") == "absent"
    assert caches["default"].get_many(["planted"]) == {}
    assert RUN == []
    caches["default"].set("planted", [1.5, "x"], timeout=60)
    assert caches["default"].get("planted") == [1.5, "x"]


def test_what_the_library_counts_with_goes_in_and_out() -> None:
    for value in ([1.5, 2.5], {"a": None}, True, 0, "text", [[1, "x"]]):
        caches["default"].set("value", value, timeout=60)
        assert caches["default"].get("value", "absent") == value
    caches["default"].set("count", 1, timeout=60)
    assert caches["default"].incr("count") == 2
    assert caches["default"].add("count", 1) is False


@pytest.mark.parametrize("sealed", [":x:y", ""])
def test_in_a_session_it_is_no_session(client: Client, sealed: str) -> None:
    data = base64.urlsafe_b64encode(pickle.dumps(_Bomb())).decode() + sealed
    later = clock.now() + timedelta(days=1)
    Session.objects.create(
        session_key=session_key_hash("a" * 32), session_data=data, expire_date=later
    )
    client.cookies["sessionid"] = "a" * 32
    answer = client.get("/")
    assert answer["Location"].startswith("/accounts/login/")
    assert RUN == []

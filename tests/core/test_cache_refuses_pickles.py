"""Drill S40: whoever can write the panel's tables cannot have the panel run code of theirs."""

import base64
import pickle
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection
from django.test import Client

from freddy_admin.accounts.sessions import session_key_hash
from freddy_admin.core import clock

pytestmark = pytest.mark.django_db
EXECUTED: list[str] = []


def _record_run(word: str) -> str:
    EXECUTED.append(word)
    return word


class _MaliciousPickle:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _record_run, ("ran",)


@pytest.fixture(autouse=True)
def _assert_nothing_executed() -> None:
    EXECUTED.clear()


def test_the_malicious_pickle_runs_code_where_it_is_unpickled() -> None:
    pickle.loads(pickle.dumps(_MaliciousPickle()))
    assert EXECUTED == ["ran"]


def _insert_cache_entry(value: bytes) -> None:
    caches["default"].set("planted", "sound", timeout=60)
    with connection.cursor() as cursor:
        text = base64.b64encode(value).decode()
        cursor.execute(
            "UPDATE core_cache SET value = %s WHERE cache_key LIKE %s", [text, "%planted"]
        )


@pytest.mark.parametrize(
    "value", [pickle.dumps(_MaliciousPickle()), pickle.dumps(5), b"\x80", b"", b"{"]
)
def test_a_pickle_in_the_cache_table_counts_as_an_absent_value(value: bytes) -> None:
    _insert_cache_entry(value)
    assert caches["default"].get("planted", "absent") == "absent"
    assert caches["default"].get_many(["planted"]) == {}
    assert EXECUTED == []
    caches["default"].set("planted", [1.5, "x"], timeout=60)
    assert caches["default"].get("planted") == [1.5, "x"]


def test_the_values_of_sign_in_throttling_round_trip_through_the_cache() -> None:
    for value in ([1.5, 2.5], {"a": None}, True, 0, "text", [[1, "x"]]):
        caches["default"].set("value", value, timeout=60)
        assert caches["default"].get("value", "absent") == value
    caches["default"].set("count", 1, timeout=60)
    assert caches["default"].incr("count") == 2
    assert caches["default"].add("count", 1) is False


@pytest.mark.parametrize("sealed", [":x:y", ""])
def test_a_pickle_in_the_session_table_is_no_session(client: Client, sealed: str) -> None:
    data = base64.urlsafe_b64encode(pickle.dumps(_MaliciousPickle())).decode() + sealed
    expire_date = clock.now() + timedelta(days=1)
    Session.objects.create(
        session_key=session_key_hash("a" * 32), session_data=data, expire_date=expire_date
    )
    client.cookies["sessionid"] = "a" * 32
    response = client.get("/")
    assert response["Location"].startswith("/accounts/login/")
    assert EXECUTED == []

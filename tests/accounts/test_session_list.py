"""The list of a person's sessions: shown, signed out one by one or all at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client

from freddy_admin.accounts import sessions
from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.session_list import ActiveSession, sessions_list
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from tests.accounts.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db
LIST = "/profile/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def signed_in_client(user: User, *, agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    assert sign_in(client, user.email).status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return bool(client.get(LIST).status_code == 200)


def listed_sessions(client: Client, user: User) -> list[ActiveSession]:
    return sessions_list(user=user, current_key=client.session.session_key)


def test_every_session_is_listed_and_the_current_one_comes_first(ada: User, admin: User) -> None:
    current_client = signed_in_client(ada)
    signed_in_client(ada, agent=IPHONE, address="198.51.100.7")
    signed_in_client(admin)
    html = current_client.get(LIST).content.decode()
    assert html.index("Firefox on Linux") < html.index("Safari on iPhone")
    assert html.count("this one") == 1
    assert "192.0.2.1" in html
    assert "198.51.100.7" in html
    assert [session.is_current for session in listed_sessions(current_client, ada)] == [True, False]


def test_single_session_has_nothing_else_to_sign_out(ada: User) -> None:
    current_client = signed_in_client(ada)
    assert "Sign out everywhere else" not in current_client.get(LIST).content.decode()
    signed_in_client(ada, agent=IPHONE)
    assert "Sign out everywhere else" in current_client.get(LIST).content.decode()


def test_user_agent_is_never_markup(ada: User) -> None:
    current_client = signed_in_client(ada, agent="<script>alert(1)</script>\x00" + "x" * 500)
    html = current_client.get(LIST).content.decode()
    assert "<script>alert" not in html
    assert "Unknown browser" in html


def test_one_session_is_signed_out_at_once(ada: User) -> None:
    current_client, other_client = signed_in_client(ada), signed_in_client(ada, agent=IPHONE)
    other_session = next(
        session for session in listed_sessions(current_client, ada) if not session.is_current
    )
    response = current_client.post(f"{LIST}{other_session.id}/end/", follow=True)
    assert "is signed out" in response.content.decode()
    assert (is_signed_in(current_client), is_signed_in(other_client)) == (True, False)
    event = AuditEvent.objects.filter(tag=AuditTag.SESSIONS_ENDED).first()
    assert event
    assert (event.actor_id, event.subject) == (ada.pk, ada.email)


def test_ending_the_current_session_signs_out(ada: User) -> None:
    current_client = signed_in_client(ada)
    response = current_client.post(f"{LIST}{listed_sessions(current_client, ada)[0].id}/end/")
    assert response["Location"] == "/accounts/login/"
    assert not is_signed_in(current_client)


def test_nobody_ends_a_session_of_somebody_else(ada: User, admin: User) -> None:
    current_client, foreign_client = signed_in_client(ada), signed_in_client(admin)
    foreign_session = listed_sessions(foreign_client, admin)[0]
    assert current_client.post(f"{LIST}{foreign_session.id}/end/").status_code == 404
    assert is_signed_in(foreign_client)


def test_sign_out_everywhere_else_keeps_the_current_session(ada: User, admin: User) -> None:
    current_client, foreign_client = signed_in_client(ada), signed_in_client(admin)
    other_clients = [signed_in_client(ada) for _ in range(3)]
    current_client.post(f"{LIST}end/")
    assert is_signed_in(current_client)
    assert [is_signed_in(client) for client in other_clients] == [False] * 3
    assert is_signed_in(foreign_client)


def test_sign_out_everywhere_ends_the_current_session_too(ada: User) -> None:
    current_client, other_client = signed_in_client(ada), signed_in_client(ada)
    assert current_client.post(f"{LIST}end/", {"here": "1"})["Location"] == "/accounts/login/"
    assert (is_signed_in(current_client), is_signed_in(other_client)) == (False, False)
    assert not Session.objects.exists()


def test_unrecorded_session_ends_as_well(ada: User) -> None:
    current_client, unrecorded_client = signed_in_client(ada), signed_in_client(ada)
    UserSession.objects.all().delete()
    current_client.post(f"{LIST}end/")
    assert not is_signed_in(unrecorded_client)


def test_changed_password_keeps_the_current_session(ada: User) -> None:
    current_client, other_client = signed_in_client(ada), signed_in_client(ada)
    fields = {"oldpassword": PASSWORD, "password1": "other-words-42", "password2": "other-words-42"}
    current_client.post("/accounts/password/change/", fields)
    assert (is_signed_in(current_client), is_signed_in(other_client)) == (True, False)
    ada.refresh_from_db()
    assert len(listed_sessions(current_client, ada)) == 1


def test_reactivated_person_is_still_signed_out(ada: User) -> None:
    current_client = signed_in_client(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert not is_signed_in(current_client)
    User.objects.filter(pk=ada.pk).update(is_active=True)
    assert not is_signed_in(current_client)


def test_last_seen_is_recorded_every_five_minutes_without_queries_between(
    ada: User, django_assert_num_queries: Any
) -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    with clock.override_clock(lambda: noon):
        current_client = signed_in_client(ada)
    for minutes, seen_minutes in [(4, 0), (5, 5), (9, 5), (12, 12)]:
        with clock.override_clock(lambda at=noon + timedelta(minutes=minutes): at):
            current_client.get(LIST)
        row = UserSession.objects.get()
        assert row.last_seen_at == noon + timedelta(minutes=seen_minutes)
        assert row.created_at == noon
    with (
        clock.override_clock(lambda: noon + timedelta(minutes=13)),
        django_assert_num_queries(4),  # the session, the person, and the list's two
    ):
        current_client.get(LIST)


def test_read_only_database_still_shows_pages(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    current_client = signed_in_client(ada)
    later = clock.now() + sessions.RECORD_INTERVAL

    def refuse_writes(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "accounts_usersession" in sql and not sql.startswith("SELECT"):
            raise OperationalError("attempt to write a readonly database")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_writes), clock.override_clock(lambda: later):
        assert is_signed_in(current_client)
    assert "could not be noted" in caplog.text


def test_session_ends_after_two_weeks_of_use(ada: User) -> None:
    current_client = signed_in_client(ada)
    session = current_client.session
    session["signed_in_at"] -= 14 * 86_400
    session.save()
    assert current_client.get(LIST)["Location"] == f"/accounts/login/?next={LIST}"
    assert not is_signed_in(current_client)


def test_memory_of_recorded_sessions_has_a_limit(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LAST_RECORDED_LIMIT", 3)
    clients = [signed_in_client(ada) for _ in range(5)]
    UserSession.objects.all().delete()
    # Latest first: a request of a session that is remembered records nothing.
    for client in reversed(clients):
        assert is_signed_in(client)
    assert UserSession.objects.count() == 2

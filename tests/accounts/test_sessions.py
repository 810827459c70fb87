"""Where a person is signed in: listed, ended one by one or all at once, and never for ever."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client

from freddy_admin.accounts import sessions
from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.sessions import SignedIn, sessions_of
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from tests.accounts.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db
LIST = "/profile/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def browser(user: User, *, agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    assert sign_in(client, user.email).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return bool(client.get(LIST).status_code == 200)


def listed(client: Client, user: User) -> list[SignedIn]:
    return sessions_of(user=user, here=client.session.session_key)


def test_each_browser_is_listed_and_this_one_comes_first(ada: User, admin: User) -> None:
    here = browser(ada)
    browser(ada, agent=IPHONE, address="198.51.100.7")
    browser(admin)
    html = here.get(LIST).content.decode()
    assert html.index("Firefox on Linux") < html.index("Safari on iPhone")
    assert html.count("this one") == 1
    assert "192.0.2.1" in html
    assert "198.51.100.7" in html
    assert [one.is_here for one in listed(here, ada)] == [True, False]


def test_a_single_browser_has_nothing_else_to_sign_out(ada: User) -> None:
    here = browser(ada)
    assert "Sign out everywhere else" not in here.get(LIST).content.decode()
    browser(ada, agent=IPHONE)
    assert "Sign out everywhere else" in here.get(LIST).content.decode()


def test_what_a_browser_calls_itself_is_never_markup(ada: User) -> None:
    here = browser(ada, agent="<script>alert(1)</script>\x00" + "x" * 500)
    html = here.get(LIST).content.decode()
    assert "<script>alert" not in html
    assert "Unknown browser" in html


def test_one_browser_is_signed_out_at_once(ada: User) -> None:
    here, there = browser(ada), browser(ada, agent=IPHONE)
    other = next(one for one in listed(here, ada) if not one.is_here)
    answer = here.post(f"{LIST}{other.id}/end/", follow=True)
    assert "is signed out" in answer.content.decode()
    assert (is_in(here), is_in(there)) == (True, False)
    event = AuditEvent.objects.filter(tag=Tag.SESSIONS_ENDED).first()
    assert event
    assert (event.actor_id, event.subject) == (ada.pk, ada.email)


def test_ending_the_one_in_hand_is_signing_out(ada: User) -> None:
    here = browser(ada)
    answer = here.post(f"{LIST}{listed(here, ada)[0].id}/end/")
    assert answer["Location"] == "/accounts/login/"
    assert not is_in(here)


def test_nobody_ends_somebody_elses(ada: User, admin: User) -> None:
    here, foreign = browser(ada), browser(admin)
    theirs = listed(foreign, admin)[0]
    assert here.post(f"{LIST}{theirs.id}/end/").status_code == 404
    assert is_in(foreign)


def test_everywhere_else_leaves_this_browser_alone(ada: User, admin: User) -> None:
    here, foreign = browser(ada), browser(admin)
    others = [browser(ada) for _ in range(3)]
    here.post(f"{LIST}end/")
    assert is_in(here)
    assert [is_in(other) for other in others] == [False] * 3
    assert is_in(foreign)


def test_everywhere_means_here_too(ada: User) -> None:
    here, there = browser(ada), browser(ada)
    assert here.post(f"{LIST}end/", {"here": "1"})["Location"] == "/accounts/login/"
    assert (is_in(here), is_in(there)) == (False, False)
    assert not Session.objects.exists()


def test_a_session_that_was_never_noted_ends_as_well(ada: User) -> None:
    here, old = browser(ada), browser(ada)
    UserSession.objects.all().delete()
    here.post(f"{LIST}end/")
    assert not is_in(old)


def test_a_changed_password_leaves_this_browser_alone(ada: User) -> None:
    here, there = browser(ada), browser(ada)
    fields = {"oldpassword": PASSWORD, "password1": "other-words-42", "password2": "other-words-42"}
    here.post("/accounts/password/change/", fields)
    assert (is_in(here), is_in(there)) == (True, False)
    ada.refresh_from_db()
    assert len(listed(here, ada)) == 1


def test_a_person_who_comes_back_is_still_signed_out(ada: User) -> None:
    here = browser(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert not is_in(here)
    User.objects.filter(pk=ada.pk).update(is_active=True)
    assert not is_in(here)


def test_last_seen_is_noted_every_five_minutes_and_costs_nothing_between(
    ada: User, django_assert_num_queries: Any
) -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    with clock.using(lambda: noon):
        here = browser(ada)
    for minutes, seen in [(4, 0), (5, 5), (9, 5), (12, 12)]:
        with clock.using(lambda at=noon + timedelta(minutes=minutes): at):
            here.get(LIST)
        row = UserSession.objects.get()
        assert row.last_seen_at == noon + timedelta(minutes=seen)
        assert row.created_at == noon
    with (
        clock.using(lambda: noon + timedelta(minutes=13)),
        django_assert_num_queries(4),  # the session, the person, and the list's two
    ):
        here.get(LIST)


def test_a_database_that_can_only_be_read_shows_its_pages(
    ada: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = browser(ada)
    sessions._noted.clear()

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(UserSession.objects, "update_or_create", refuse)
    assert is_in(here)
    assert "could not be noted" in caplog.text


def test_a_session_ends_after_two_weeks_however_busy(ada: User) -> None:
    here = browser(ada)
    session = here.session
    session["signed_in_at"] -= 14 * 86_400
    session.save()
    assert here.get(LIST)["Location"] == f"/accounts/login/?next={LIST}"
    assert not is_in(here)


def test_what_is_remembered_of_sessions_has_a_limit(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "REMEMBERED", 3)
    for _ in range(5):
        browser(ada)
    assert len(sessions._noted) == 3

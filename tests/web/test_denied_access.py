"""Drill S36: who is refused is written down, and counted, so that nobody can fill the log."""

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import HandClock, MakeKey, People, SignIn


def _denied() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(tag=Tag.ACCESS_DENIED).order_by("pk"))


def test_a_refusal_names_who_where_what_and_from_which_address(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    answer = signed_in(people.viewer).get("/organisations/alder/rename/")
    assert answer.status_code == 403
    (event,) = _denied()
    assert (event.actor_id, event.organisation_id) == (people.viewer.pk, organisation.pk)
    assert event.subject == "/organisations/alder/rename/"
    assert event.details == {"method": "GET"}
    assert event.address == "127.0.0.1"
    assert event.request_id == answer["X-Request-Id"]
    assert answer["X-Request-Id"] in answer.content.decode()


def test_the_organisations_manager_reads_of_it(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    signed_in(people.viewer).post("/organisations/alder/rename/", {"name": "x"})
    page = signed_in(people.manager).get("/audit/").content.decode()
    assert "was refused" in page
    assert "method: POST" in page


def test_the_same_refusal_is_written_once_in_ten_minutes_and_its_count_afterwards(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client, another = signed_in(people.viewer), signed_in(people.operator)
    for _ in range(5):
        client.get("/system/")
    another.get("/system/")
    client.get("/system/?other=query")
    assert len(_denied()) == 2
    hand_clock.forward(minutes=10)
    client.get("/system/")
    *_, again, first = _denied()
    assert (first.details, again.details["more_times"]) == ({"method": "GET"}, 5)


def test_one_person_writes_ten_different_ones_a_minute_at_most(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    client = signed_in(people.viewer)
    for number in range(15):
        assert client.get(f"/organisations/alder/keys/{number}/edit/").status_code == 403
    assert len(_denied()) == 10


def test_a_form_that_was_open_too_long_is_written_down(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.viewer)
    assert client.post("/profile/", {}).status_code == 403
    assert [event.subject for event in _denied()] == ["/profile/"]


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_what_is_not_there_is_no_refusal(who: str, people: People, signed_in: SignIn) -> None:
    user: User = getattr(people, who)
    assert signed_in(user).get("/organisations/nowhere/").status_code == 404
    assert _denied() == []


def test_a_visitors_forged_form_is_written_down_with_its_address(db: None) -> None:
    assert Client(enforce_csrf_checks=True).post("/accounts/login/", {}).status_code == 403
    (event,) = _denied()
    assert (event.actor_id, event.actor_name) == (None, "somebody not signed in")
    assert (event.subject, event.address) == ("/accounts/login/", "127.0.0.1")


def test_visitors_are_sent_to_the_sign_in_page_and_leave_no_line(people: People) -> None:
    assert Client().get("/system/").status_code == 302
    assert _denied() == []

"""Drill S36: denied access is audited and counted, so that nobody can fill the log."""

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import HandClock, MakeKey, People, SignIn


def _denied_events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(tag=AuditTag.ACCESS_DENIED).order_by("pk"))


def test_access_denied_event_names_person_page_permission_and_ip(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    answer = signed_in(people.viewer).get("/organisations/alder/rename/")
    assert answer.status_code == 403
    (event,) = _denied_events()
    assert (event.actor_id, event.organisation_id) == (people.viewer.pk, organisation.pk)
    assert event.subject == "/organisations/alder/rename/"
    assert event.details == {"method": "GET"}
    assert event.address == "127.0.0.1"
    assert event.request_id == answer["X-Request-Id"]
    assert answer["X-Request-Id"] in answer.content.decode()


def test_manager_of_the_organisation_reads_access_denied_events(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    signed_in(people.viewer).post("/organisations/alder/rename/", {"name": "x"})
    page = signed_in(people.manager).get("/audit/").content.decode()
    assert "was refused" in page
    assert "method: POST" in page


def test_repeated_denial_is_recorded_once_in_ten_minutes_with_its_count(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client, operator_client = signed_in(people.viewer), signed_in(people.operator)
    for _ in range(5):
        client.get("/system/")
    operator_client.get("/system/")
    client.get("/system/?other=query")
    assert len(_denied_events()) == 2
    hand_clock.advance(minutes=10)
    client.get("/system/")
    *_, repeated_event, first_event = _denied_events()
    assert (first_event.details, repeated_event.details["more_times"]) == ({"method": "GET"}, 5)


def test_one_person_causes_at_most_ten_denial_events_a_minute(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    client = signed_in(people.viewer)
    for number in range(15):
        assert client.get(f"/organisations/alder/keys/{number}/edit/").status_code == 403
    assert len(_denied_events()) == 10


def test_stale_csrf_form_is_recorded(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.viewer)
    assert client.post("/profile/", {}).status_code == 403
    assert [event.subject for event in _denied_events()] == ["/profile/"]


@pytest.mark.parametrize("role", ["viewer", "stranger"])
def test_missing_page_is_not_recorded_as_access_denied(
    role: str, people: People, signed_in: SignIn
) -> None:
    user: User = getattr(people, role)
    assert signed_in(user).get("/organisations/nowhere/").status_code == 404
    assert _denied_events() == []


def test_forged_form_of_a_visitor_is_recorded_with_its_ip(db: None) -> None:
    assert Client(enforce_csrf_checks=True).post("/accounts/login/", {}).status_code == 403
    (event,) = _denied_events()
    assert (event.actor_id, event.actor_name) == (None, "somebody not signed in")
    assert (event.subject, event.address) == ("/accounts/login/", "127.0.0.1")


def test_visitor_is_sent_to_the_sign_in_page_and_leaves_no_event(people: People) -> None:
    assert Client().get("/system/").status_code == 302
    assert _denied_events() == []

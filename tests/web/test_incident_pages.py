"""An incident's page: what it says to whom, and what operators and managers do there."""

from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.alerts.models import (
    Cause,
    CauseKind,
    Incident,
    IncidentEvent,
    IncidentEventKind,
    IncidentState,
    Mute,
)
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of
from tests.web.incident_rows import (
    create_incident,
    create_mute,
    create_resolved_incident,
    create_window,
)


@pytest.fixture
def incident(make_key: MakeKey) -> Incident:
    return create_incident(make_key("Main"))


def url_of(incident: Incident, verb: str = "") -> str:
    return f"/organisations/{incident.organisation.slug}/incidents/{incident.pk}/{verb}"


def page_of(client: Client, incident: Incident) -> str:
    return client.get(url_of(incident)).content.decode()


def test_page_tells_what_since_when_whom_it_affects_and_who_can_fix_it(
    people: People, signed_in: SignIn, incident: Incident
) -> None:
    page = page_of(signed_in(people.viewer), incident)
    for text in (
        "Alder: Overdue",
        "A planned sync is missing.",
        "30 min ago",
        "11:30",
        "for 30 min so far",
        "1 API key of this organisation.",
        "An operator starts a sync.",
        "Nobody has taken it on yet.",
        "The incident was opened: Overdue.",
        "Nobody so far.",
        ">Main</a>",
    ):
        assert text in page, text


def test_page_of_a_resolved_incident_tells_how_long_it_lasted(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    page = page_of(signed_in(people.operator), create_resolved_incident(make_key()))
    assert "it lasted 2 h" in page
    assert "well again" in page
    assert "Nothing any more." in page
    assert "Acknowledge</span>" not in page
    assert "Mute</span>" not in page
    assert "Add the note" in page


def test_viewer_is_offered_no_button(people: People, signed_in: SignIn, incident: Incident) -> None:
    page = page_of(signed_in(people.viewer), incident)
    main = page[page.index("<main") : page.index("</main")]
    assert "<form" not in main
    assert "<button" not in main


def test_operator_acknowledges_and_everybody_sees_who(
    people: People, signed_in: SignIn, incident: Incident
) -> None:
    operator = signed_in(people.operator)
    answer = operator.post(url_of(incident, "acknowledge/"), follow=True)
    assert "You acknowledged the incident." in answer.content.decode()
    page = page_of(signed_in(people.viewer), incident)
    assert "Acknowledged by Operator." in page
    assert "Operator acknowledged it." in page
    assert people.operator.email not in page


def test_assignee_is_one_of_those_who_may_handle_incidents(
    people: People, signed_in: SignIn, incident: Incident
) -> None:
    client = signed_in(people.operator)
    for person in (people.viewer, people.stranger):
        answer = client.post(url_of(incident, "assign/"), {"assignee": person.pk}, follow=True)
        assert "Choose one of the people in the list" in answer.content.decode()
    answer = client.post(url_of(incident, "assign/"), {"assignee": people.manager.pk}, follow=True)
    assert "Manager looks after it." in answer.content.decode()
    assert "Operator gave it to Manager." in answer.content.decode()
    client.post(url_of(incident, "assign/"), {"assignee": ""})
    incident.refresh_from_db()
    assert incident.assignee is None


def test_admin_who_is_no_member_takes_an_incident_on(
    people: People, signed_in: SignIn, incident: Incident
) -> None:
    client = signed_in(people.admin)
    answer = client.post(url_of(incident, "assign/"), {"assignee": people.admin.pk}, follow=True)
    assert "Admin looks after it." in answer.content.decode()


def test_mute_needs_a_moment_to_come_and_a_reason(
    people: People, signed_in: SignIn, incident: Incident
) -> None:
    client = signed_in(people.operator)
    for fields, message in (
        ({"hours": "4", "reason": ""}, "Fill this in."),
        ({"hours": "until", "until": "", "reason": "x"}, "Say until when."),
        ({"hours": "until", "until": "2020-01-01T10:00", "reason": "x"}, "still to come"),
        ({"hours": "until", "until": "soon", "reason": "x"}, "Enter a day and a time"),
        ({"hours": "9999", "reason": "x"}, "Select a valid choice"),
    ):
        answer = client.post(url_of(incident, "mute/"), fields)
        assert answer.status_code == 200
        assert message in answer.content.decode(), fields
    assert not Mute.objects.exists()


def test_mute_until_a_moment_is_read_on_the_clock_of_the_person(
    people: People, signed_in: SignIn, incident: Incident, hand_clock: HandClock
) -> None:
    people.operator.time_zone = "Asia/Tokyo"
    people.operator.save()
    client = signed_in(people.operator)
    fields = {"hours": "until", "until": "2026-03-03T09:30", "reason": "Aitronos is at it"}
    page = client.post(url_of(incident, "mute/"), fields, follow=True).content.decode()
    assert f"{Mute.objects.get().until:%Y-%m-%d %H:%M}" == "2026-03-03 00:30"
    assert "3 Mar, 09:30" in page
    assert "Muted until" in page
    assert "3 Mar, 00:30" in page_of(signed_in(people.viewer), incident)
    client.post(url_of(incident, "unmute/"))
    assert "End the mute" not in page_of(client, incident)


def test_mute_that_ran_its_time_is_not_shown_as_one(
    people: People, signed_in: SignIn, incident: Incident, hand_clock: HandClock
) -> None:
    create_mute(incident, hours=1)
    client = signed_in(people.operator)
    assert "End the mute" in page_of(client, incident)
    hand_clock.advance(minutes=61)
    assert "End the mute" not in page_of(client, incident)


def test_note_is_kept_as_typed_and_shown_as_text(
    people: People, signed_in: SignIn, incident: Incident
) -> None:
    client = signed_in(people.operator)
    client.post(url_of(incident, "note/"), {"note": "Tom is on it.\n<b>@everyone</b> :wave:"})
    page = page_of(signed_in(people.viewer), incident)
    assert "Tom is on it.\n&lt;b&gt;@everyone&lt;/b&gt; :wave:" in page
    answer = client.post(url_of(incident, "note/"), {"note": " "})
    assert "Fill this in." in answer.content.decode()


def test_page_names_a_window_that_holds_messages_back(
    people: People, signed_in: SignIn, incident: Incident, hand_clock: HandClock
) -> None:
    begins = hand_clock() - timedelta(minutes=10)
    create_window(
        incident.organisation, starts_on=begins.date(), starts_at=begins.time(), reason="Cutover"
    )
    page = page_of(signed_in(people.viewer), incident)
    assert ">13:50</time>: Cutover" in page


def test_cause_is_told_to_members_without_names_or_numbers(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    other_organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    cause = Cause.objects.create(kind=CauseKind.API_UNREACHABLE, opened_at=hand_clock())
    incident = create_incident(make_key("Main"), cause=cause, health_state="unknown")
    create_incident(make_key("Foreign", at=other_organisation), cause=cause)
    page = page_of(signed_in(people.manager), incident)
    assert "Aitronos cannot be reached" in page
    assert "organisations." not in page
    assert other_organisation.name not in page
    assert "in 2 organisations." in page_of(signed_in(people.admin), incident)


@pytest.mark.parametrize(
    "verb", ["acknowledge/", "unacknowledge/", "assign/", "mute/", "unmute/", "note/"]
)
def test_opened_link_changes_nothing(
    verb: str, people: People, signed_in: SignIn, incident: Incident
) -> None:
    # Case 31: scanners and chat previews open links.
    before = list(Incident.objects.values()), IncidentEvent.objects.count()
    for person in (people.viewer, people.operator, people.manager, people.admin):
        client = signed_in(person)
        assert client.get(url_of(incident, verb)).status_code == 405
        assert client.head(url_of(incident, verb)).status_code == 405
        assert client.get(url_of(incident)).status_code == 200
    assert (list(Incident.objects.values()), IncidentEvent.objects.count()) == before


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("acknowledge/", {}),
        ("assign/", {"assignee": ""}),
        ("mute/", {"hours": "4", "reason": "x"}),
        ("note/", {"note": "x"}),
    ],
)
def test_viewer_is_refused_and_a_stranger_finds_nothing(
    verb: str, fields: dict[str, str], people: People, signed_in: SignIn, incident: Incident
) -> None:
    assert signed_in(people.viewer).post(url_of(incident, verb), fields).status_code == 403
    assert signed_in(people.stranger).post(url_of(incident, verb), fields).status_code == 404
    kinds = IncidentEvent.objects.values_list("kind", flat=True)
    assert set(kinds) == {IncidentEventKind.OPENED}


def test_incident_of_another_organisation_is_not_found_under_ones_own(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    organisation: Organisation,
    other_organisation: Organisation,
) -> None:
    foreign = create_incident(make_key("Foreign", at=other_organisation))
    client = signed_in(people.manager)
    base = f"/organisations/{organisation.slug}/incidents/{foreign.pk}/"
    assert client.get(base).status_code == 404
    for verb in ("acknowledge", "assign", "mute", "note"):
        assert client.post(f"{base}{verb}/", {"note": "x"}).status_code == 404


def test_what_is_over_is_not_reopened(people: People, signed_in: SignIn, make_key: MakeKey) -> None:
    incident = create_resolved_incident(make_key())
    answer = signed_in(people.operator).post(url_of(incident, "acknowledge/"), follow=True)
    assert answer.status_code == 200
    incident.refresh_from_db()
    assert incident.state == IncidentState.RESOLVED


def test_open_page_is_sent_what_changed_and_nothing_twice(
    people: People, signed_in: SignIn, incident: Incident
) -> None:
    client = signed_in(people.viewer)
    headers = {"x-live": "1", "x-seen": shown_digests_of(page_of(client, incident))}
    assert client.get(url_of(incident), headers=headers).status_code == 204
    signed_in(people.operator).post(url_of(incident, "note/"), {"note": "Tom is on it"})
    part = client.get(url_of(incident), headers=headers).content.decode()
    assert "Tom is on it" in part
    assert "<html" not in part

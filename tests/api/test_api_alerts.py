"""Incidents and deliveries for programs: what the token's person sees, and never more."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import (
    Cause,
    Channel,
    Delivery,
    Incident,
    IncidentEvent,
    IncidentKey,
    Message,
    Mute,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from tests.api.api_client import ApiClient
from tests.web.conftest import HandClock, MakeKey, People


def _incident(organisation: Organisation, key: Any = None, **columns: Any) -> Incident:
    now = clock.now()
    values: dict[str, Any] = {"severity": "action_needed", "health_state": "overdue"}
    values |= {"opened_at": now - timedelta(minutes=5), "noticed_at": now}
    incident = Incident.objects.create(organisation=organisation, **values | columns)
    if key is not None:
        IncidentKey.objects.create(
            incident=incident, key=key, health_state="overdue", began_at=incident.opened_at
        )
    return incident


@pytest.fixture
def incident(organisation: Organisation, make_key: MakeKey) -> Incident:
    return _incident(organisation, make_key("Main"))


@pytest.fixture
def foreign_incident(other_organisation: Organisation, make_key: MakeKey) -> Incident:
    return _incident(other_organisation, make_key("There", at=other_organisation))


def _uids(program: ApiClient, **query: Any) -> list[str]:
    answer = program.get("incidents", **query)
    assert answer.status_code == 200
    return [incident["uid"] for incident in answer.json()["incidents"]]


def test_program_sees_the_incidents_of_its_person_less_what_the_token_leaves_out(
    people: People,
    incident: Incident,
    foreign_incident: Incident,
    other_organisation: Organisation,
) -> None:
    newest_first = [str(foreign_incident.uid), str(incident.uid)]
    assert _uids(ApiClient(people.admin)) == newest_first
    assert _uids(ApiClient(people.viewer)) == [str(incident.uid)]
    assert _uids(ApiClient(people.admin, only=[other_organisation])) == newest_first[:1]
    assert _uids(ApiClient(people.viewer, only=[other_organisation])) == []


def test_incident_says_what_happened_and_who_looks_after_it(
    people: People, incident: Incident, hand_clock: HandClock
) -> None:
    cause = Cause.objects.create(kind="api_unreachable", opened_at=hand_clock())
    Incident.objects.filter(pk=incident.pk).update(
        cause=cause,
        state="acknowledged",
        acknowledged_at=hand_clock(),
        acknowledged_by=f"Ana ({people.manager.email})",
        assignee=people.operator,
    )
    until = hand_clock() + timedelta(hours=1)
    Mute.objects.create(
        incident=incident, until=until, reason="x", created_at=hand_clock(), created_by="Ana"
    )
    [values] = ApiClient(people.manager).get("incidents").json()["incidents"]
    assert values["number"] == incident.pk
    assert values["organisation_slug"] == "alder"
    assert (values["state"], values["severity"]) == ("acknowledged", "action_needed")
    assert values["health_state"] == "overdue"
    assert values["opened_at"] == "2026-03-02T11:55:00Z"
    assert values["noticed_at"] == values["acknowledged_at"] == "2026-03-02T12:00:00Z"
    assert values["resolved_at"] is None
    assert values["acknowledged_by"] == "Ana"
    assert values["assignee"]
    assert values["muted_until"] == "2026-03-02T13:00:00Z"
    assert values["cause"] == {
        "kind": "api_unreachable",
        "opened_at": "2026-03-02T12:00:00Z",
        "resolved_at": None,
    }
    [key] = values["keys"]
    assert (key["key_label"], key["state"], key["ended_at"]) == ("Main", "overdue", None)


def test_addresses_are_for_those_who_manage_members(people: People, incident: Incident) -> None:
    User.objects.filter(pk=people.operator.pk).update(name="")
    Incident.objects.filter(pk=incident.pk).update(
        acknowledged_by=people.operator.email, assignee=people.operator
    )
    IncidentEvent.objects.create(
        incident=incident,
        kind="assigned",
        at=clock.now(),
        actor_name=people.operator.email,
        details={"assignee": people.operator.email},
    )
    for person, sees in ((people.manager, True), (people.viewer, False)):
        answer = ApiClient(person).get(f"incidents/{incident.uid}")
        assert (people.operator.email in answer.content.decode()) is sees


def test_incident_comes_with_its_timeline(people: People, incident: Incident) -> None:
    for minute, kind in enumerate(("opened", "note")):
        IncidentEvent.objects.create(
            incident=incident,
            kind=kind,
            at=clock.now() + timedelta(minutes=minute),
            note="Tom is on it" if kind == "note" else "",
            actor_name="Ana (ana@example.org)" if kind == "note" else "",
        )
    events = ApiClient(people.viewer).get(f"incidents/{incident.uid}").json()["events"]
    assert [(event["kind"], event["actor"], event["note"]) for event in events] == [
        ("opened", "", ""),
        ("note", "Ana", "Tom is on it"),
    ]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({}, {"open", "acknowledged", "resolved"}),
        ({"state": "unresolved"}, {"open", "acknowledged"}),
        ({"state": "resolved"}, {"resolved"}),
        ({"severity": "warning"}, {"resolved"}),
        ({"organisation": "alder", "state": "open"}, {"open"}),
        ({"organisation": "nowhere"}, set()),
        ({"organisation": "birch"}, set()),
    ],
)
def test_incidents_are_narrowed_by_state_severity_and_organisation(
    query: dict[str, str],
    kinds: set[str],
    people: People,
    organisation: Organisation,
    foreign_incident: Incident,
) -> None:
    for state in ("open", "acknowledged", "resolved"):
        _incident(
            organisation,
            state=state,
            severity="warning" if state == "resolved" else "action_needed",
        )
    answer = ApiClient(people.manager).get("incidents", **query)
    assert {incident["state"] for incident in answer.json()["incidents"]} == kinds


def test_parts_of_the_incidents_follow_each_other_without_gap_or_double(
    people: People, organisation: Organisation
) -> None:
    uids = [str(_incident(organisation).uid) for _ in range(5)][::-1]
    program, cursor, found = ApiClient(people.viewer), None, list[str]()
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        body = program.get("incidents", **query).json()
        found += [incident["uid"] for incident in body["incidents"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert found == uids


@pytest.mark.parametrize("path", ["incidents/{}", "incidents/{}/acknowledge"])
def test_foreign_incident_is_answered_like_a_missing_one(
    path: str,
    people: People,
    incident: Incident,
    foreign_incident: Incident,
    other_organisation: Organisation,
) -> None:
    narrow = ApiClient(people.manager, "act", only=[other_organisation])
    answers = [
        (program.post if path.endswith("acknowledge") else program.get)(path.format(uid))
        for program, uid in (
            (ApiClient(people.manager, "act"), foreign_incident.uid),
            (ApiClient(people.manager, "act"), uuid4()),
            (narrow, incident.uid),
        )
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert not Incident.objects.exclude(state="open").exists()


def test_operator_acknowledges_by_a_token_that_may_act(people: People, incident: Incident) -> None:
    path = f"incidents/{incident.uid}/acknowledge"
    assert ApiClient(people.operator).post(path).status_code == 403  # may read only
    assert ApiClient(people.viewer, "act").post(path).status_code == 403  # a viewer's role
    incident.refresh_from_db()
    assert incident.state == "open"
    answer = ApiClient(people.operator, "act").post(path)
    assert answer.status_code == 200
    assert answer.json()["state"] == "acknowledged"
    assert "board" in answer.json()["acknowledged_by"]
    assert answer.json()["acknowledged_at"] == "2026-03-02T12:00:00Z"


def test_incident_that_is_over_cannot_be_acknowledged(people: People, incident: Incident) -> None:
    Incident.objects.filter(pk=incident.pk).update(state="resolved", resolved_at=clock.now())
    answer = ApiClient(people.manager, "act").post(f"incidents/{incident.uid}/acknowledge")
    assert answer.status_code == 409
    assert answer.json()["detail"]


def _delivery(incident: Incident, channel: Channel, **columns: Any) -> Delivery:
    message = Message.objects.create(
        channel=channel,
        kind="opened",
        state="sent",
        attempts=2,
        created_at=clock.now(),
        answer="ok, thanks",
        answer_status=202,
    )
    values: dict[str, Any] = {"kind": "opened", "state": "sent", "finished_at": clock.now()}
    return Delivery.objects.create(
        incident=incident,
        channel=channel,
        message=message,
        created_at=clock.now(),
        **values | columns,
    )


def _channel(organisation: Organisation | None, **columns: Any) -> Channel:
    values: dict[str, Any] = {"kind": "webhook", "name": "ops hook", "created_at": clock.now()}
    return Channel.objects.create(organisation=organisation, **values | columns)


def test_delivery_says_who_was_told_and_what_was_answered(
    people: People, incident: Incident, organisation: Organisation
) -> None:
    delivery = _delivery(incident, _channel(organisation))
    [values] = ApiClient(people.viewer).get("deliveries").json()["deliveries"]
    assert values["id"] == delivery.pk
    assert values["incident_uid"] == str(incident.uid)
    assert (values["channel"], values["channel_kind"]) == ("ops hook", "webhook")
    assert (values["kind"], values["state"], values["attempts"]) == ("opened", "sent", 2)
    assert (values["answer"], values["answer_status"]) == ("ok, thanks", 202)
    assert UUID(values["message_uid"])


def test_channels_of_the_whole_panel_and_their_answers_are_for_platform_admins(
    people: People, incident: Incident, organisation: Organisation
) -> None:
    _delivery(incident, _channel(None, name="secret pager"))
    _delivery(incident, _channel(None, kind="mail", name="", user=people.admin))
    _delivery(incident, _channel(None, kind="mail", name="", user=people.operator))
    own, others = [
        [
            (values["channel_id"], values["channel"], values["answer"])
            for values in ApiClient(person).get("deliveries").json()["deliveries"]
        ]
        for person in (people.admin, people.manager)
    ]
    assert all(all(part for part in values) for values in own)
    assert others[1:] == [(None, None, None), (None, None, None)]
    assert others[0][1]


def test_deliveries_are_narrowed_and_come_in_parts(
    people: People,
    incident: Incident,
    foreign_incident: Incident,
    organisation: Organisation,
    other_organisation: Organisation,
) -> None:
    hook, chat = _channel(organisation), _channel(organisation, kind="slack", name="chat")
    ids = [
        _delivery(incident, hook).pk,
        _delivery(incident, chat, state="given_up").pk,
        _delivery(incident, hook, kind="resolved").pk,
    ]
    _delivery(foreign_incident, _channel(other_organisation))
    program = ApiClient(people.manager)

    def found(**query: Any) -> list[int]:
        return [d["id"] for d in program.get("deliveries", **query).json()["deliveries"]]

    assert found() == ids[::-1]
    assert found(state="given_up") == [ids[1]]
    assert found(channel="webhook") == [ids[2], ids[0]]
    assert found(incident=str(incident.uid), organisation="alder") == ids[::-1]
    assert found(incident=str(foreign_incident.uid)) == found(organisation="birch") == []
    first = program.get("deliveries", limit=2).json()
    assert [d["id"] for d in first["deliveries"]] == [ids[2], ids[1]]
    assert found(cursor=first["next_cursor"]) == [ids[0]]


@pytest.mark.parametrize(
    "path",
    [
        "incidents?cursor=x",
        "incidents?cursor=0",
        "incidents?limit=0",
        "incidents?limit=201",
        "incidents?state=broken",
        "incidents?organisation=%00",
        "incidents/not-a-uid",
        "deliveries?channel=pigeon",
        "deliveries?incident=1",
    ],
)
def test_value_that_cannot_be_taken_is_named(path: str, people: People) -> None:
    answer = ApiClient(people.admin).get(path)
    assert answer.status_code == 422
    assert answer.json()["fields"]
    assert ApiClient(people.admin).get("incidents?cursor=9999999999999999999").status_code == 200

"""Mutes and windows hold back messages: made by people, recorded, over at their time."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.alerts.models import (
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    IncidentEvent,
    IncidentEventKind,
    MaintenanceWindow,
    Mute,
    WindowRecurrence,
)
from freddy_admin.alerts.silences.selectors import (
    muted_until,
    mutes_list,
    silence_reasons,
    window_get,
    windows_list,
)
from freddy_admin.alerts.silences.services import (
    WindowDetails,
    incident_mute,
    incident_unmute,
    window_create,
    window_delete,
    window_update,
)
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.key_details import key_tags_set
from freddy_admin.vault.models import ApiKey
from tests.alerts.conftest import (
    ACTOR,
    NOON,
    HandClock,
    MakeKey,
    good_result,
    record,
    refuse,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(key: ApiKey, hand_clock: HandClock) -> Incident:
    refuse(key, clock_hand=hand_clock)
    return Incident.objects.get()


def mute(incident: Incident, organisation: Organisation, **span: float) -> Mute:
    until = clock.now() + timedelta(**span)
    return incident_mute(
        organisation=organisation, actor=ACTOR, incident=incident, until=until, reason="at work"
    )


def details(**values: Any) -> WindowDetails:
    defaults = {
        "reason": "upgrade",
        "zone": "Europe/Zurich",
        "starts_on": date(2026, 3, 2),
        "starts_at": time(12, 30),
        "minutes": 120,
    }
    return WindowDetails(**(defaults | values))


def hold(incident: Incident, reason: str, until: datetime) -> Delivery:
    channel = Channel.objects.create(
        organisation=incident.organisation, kind=ChannelKind.WEBHOOK, created_at=NOON
    )
    return Delivery.objects.create(
        incident=incident, channel=channel, kind=DeliveryKind.OPENED, state=DeliveryState.HELD,
        held_reason=reason, send_at=until, created_at=NOON,
    )  # fmt: skip


def test_a_mute_holds_until_its_moment_and_says_who_and_why(
    incident: Incident, organisation: Organisation, hand_clock: HandClock
) -> None:
    row = mute(incident, organisation, hours=2)

    (reason,) = silence_reasons(incidents=[incident], now=clock.now())[incident.pk]
    assert (reason.kind, reason.until, reason.reason) == ("mute", row.until, "at work")
    event = IncidentEvent.objects.get(kind=IncidentEventKind.MUTED)
    assert (event.actor_name, event.actor_id) == (ACTOR.name, ACTOR.id)
    audit_event = AuditEvent.objects.get(tag=AuditTag.INCIDENT_MUTED)
    assert audit_event.subject == str(incident.pk)
    assert audit_event.details["reason"] == "at work"
    hand_clock.advance(hours=2)
    assert silence_reasons(incidents=[incident], now=clock.now()) == {}


def test_of_mutes_that_overlap_the_longest_counts(
    incident: Incident, organisation: Organisation, hand_clock: HandClock
) -> None:
    long = mute(incident, organisation, hours=5)
    mute(incident, organisation, hours=1)

    reasons = silence_reasons(incidents=[incident], now=clock.now())[incident.pk]
    assert [reason.until for reason in reasons] == sorted(
        (reason.until for reason in reasons), reverse=True
    )
    assert muted_until(incidents=[incident], now=clock.now()) == {incident.pk: long.until}
    hand_clock.advance(hours=2)
    assert len(silence_reasons(incidents=[incident], now=clock.now())[incident.pk]) == 1


def test_unmuting_ends_all_mutes_and_lets_out_what_they_held_back(
    incident: Incident, organisation: Organisation
) -> None:
    mute(incident, organisation, hours=5)
    mute(incident, organisation, hours=1)
    delivery = hold(incident, "mute", clock.now() + timedelta(hours=5))

    assert incident_unmute(organisation=organisation, actor=ACTOR, incident=incident) == 2
    assert incident_unmute(organisation=organisation, actor=ACTOR, incident=incident) == 0

    assert silence_reasons(incidents=[incident], now=clock.now()) == {}
    delivery.refresh_from_db()
    assert delivery.send_at == clock.now()
    rows = mutes_list(organisation=organisation, incident=incident)
    assert {row.ended_by for row in rows} == {ACTOR.name}
    assert IncidentEvent.objects.filter(kind=IncidentEventKind.UNMUTED).count() == 1


@pytest.mark.parametrize("span", [{"seconds": 0}, {"days": -1}, {"days": 91}])
def test_a_mute_needs_a_moment_to_come(
    incident: Incident, organisation: Organisation, span: dict[str, float]
) -> None:
    with pytest.raises(InvalidInput) as raised:
        mute(incident, organisation, **span)
    assert raised.value.field == "until"


def test_a_mute_needs_a_reason(incident: Incident, organisation: Organisation) -> None:
    with pytest.raises(InvalidInput):
        incident_mute(
            organisation=organisation, actor=ACTOR, incident=incident,
            until=clock.now() + timedelta(hours=1), reason=" ",
        )  # fmt: skip


def test_an_incident_that_is_over_is_not_muted(
    incident: Incident, key: ApiKey, organisation: Organisation
) -> None:
    record(good_result(key))
    with pytest.raises(Conflict):
        mute(incident, organisation, hours=1)


def test_a_stranger_neither_mutes_nor_reads_mutes(
    incident: Incident, organisation: Organisation, other_organisation: Organisation
) -> None:
    mute(incident, organisation, hours=1)
    with pytest.raises(NotFound):
        mute(incident, other_organisation, hours=1)
    with pytest.raises(NotFound):
        incident_unmute(organisation=other_organisation, actor=ACTOR, incident=incident)
    assert mutes_list(organisation=other_organisation, incident=incident) == []


def test_a_window_of_an_organisation_holds_its_incidents_alone(
    incident: Incident, organisation: Organisation, other_organisation: Organisation,
    make_key: MakeKey, hand_clock: HandClock,
) -> None:  # fmt: skip
    refuse(make_key("Other", at=other_organisation), clock_hand=hand_clock)
    foreign = Incident.objects.get(organisation=other_organisation)
    window_create(organisation=organisation, actor=ACTOR, details=details())

    reasons = silence_reasons(incidents=[incident, foreign], now=clock.now())
    assert [reason.kind for reason in reasons.pop(incident.pk)] == ["window"]
    assert reasons == {}
    assert silence_reasons(incidents=[incident], now=datetime(2026, 3, 2, 13, 30, tzinfo=UTC)) == {}


def test_a_window_of_the_whole_panel_holds_every_incident(incident: Incident) -> None:
    window = window_create(organisation=None, actor=ACTOR, details=details())

    (reason,) = silence_reasons(incidents=[incident], now=clock.now())[incident.pk]
    assert (reason.kind, reason.pk) == ("window", window.pk)
    assert reason.until == datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
    assert windows_list(organisation=None, now=clock.now()) == [window]


def test_a_window_of_a_tag_holds_incidents_whose_affected_keys_all_have_it(
    incident: Incident, key: ApiKey, organisation: Organisation,
    make_key: MakeKey, hand_clock: HandClock,
) -> None:  # fmt: skip
    key_tags_set(key=key, names=["night"])
    other = make_key("Other")
    refuse(other, clock_hand=hand_clock)
    untagged = Incident.objects.exclude(pk=incident.pk).get()
    window_create(organisation=organisation, actor=ACTOR, details=details(tag="night"))

    held = silence_reasons(incidents=[incident, untagged], now=clock.now())
    assert set(held) == {incident.pk}
    incident.keys.create(key=make_key("Twin"), health_state="overdue", began_at=NOON)
    assert silence_reasons(incidents=[incident], now=clock.now()) == {}
    incident.keys.update(ended_at=clock.now())
    incident.keys.filter(key=key).delete()
    incident.keys.create(key=key, health_state="overdue", began_at=NOON, ended_at=NOON)
    assert silence_reasons(incidents=[incident], now=clock.now()) == {}  # over: all of its keys


def test_what_holds_back_is_found_by_a_constant_number_of_statements(
    incident: Incident, organisation: Organisation, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key_tags_set(key=make_key("Tagged"), names=["night"])
    refuse(*(make_key(str(number)) for number in range(4)), clock_hand=hand_clock)
    window_create(organisation=organisation, actor=ACTOR, details=details(tag="night"))
    counts = []
    for incidents in ([incident], list(Incident.objects.all())):
        with CaptureQueriesContext(connection) as context:
            silence_reasons(incidents=incidents, now=clock.now())
        counts.append(len(context))
    assert counts == [4, 4]
    assert silence_reasons(incidents=[], now=clock.now()) == {}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("reason", {"reason": ""}),
        ("zone", {"zone": "Mars/Olympus"}),
        ("minutes", {"minutes": 0}),
        ("minutes", {"minutes": 32 * 24 * 60}),
        ("minutes", {"minutes": 7 * 24 * 60, "recurrence": WindowRecurrence.WEEKLY}),
        ("starts_on", {"starts_on": date(1999, 1, 1)}),
        ("starts_on", {"starts_on": date(2026, 3, 1), "minutes": 60}),
        ("ends_on", {"recurrence": WindowRecurrence.WEEKLY, "ends_on": date(2026, 3, 1)}),
        ("tag", {"tag": "nobody has it"}),
    ],
)
def test_a_window_that_makes_no_sense_is_refused_with_the_field(
    organisation: Organisation, field: str, values: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as raised:
        window_create(organisation=organisation, actor=ACTOR, details=details(**values))
    assert raised.value.field == field


def test_the_tag_of_another_organisation_is_no_tag_here(
    key: ApiKey, organisation: Organisation, other_organisation: Organisation
) -> None:
    key_tags_set(key=key, names=["night"])
    with pytest.raises(InvalidInput):
        window_create(organisation=other_organisation, actor=ACTOR, details=details(tag="night"))
    assert window_create(organisation=None, actor=ACTOR, details=details(tag="night")).tag


def test_a_window_is_changed_and_called_off_with_who_and_what(
    incident: Incident, organisation: Organisation
) -> None:
    window = window_create(
        organisation=organisation, actor=ACTOR,
        details=details(recurrence=WindowRecurrence.WEEKLY, ends_on=date(2026, 4, 1)),
    )  # fmt: skip
    delivery = hold(incident, "window", clock.now() + timedelta(hours=1))
    unchanged = window_update(
        organisation=organisation, actor=ACTOR, window=window,
        details=details(recurrence=WindowRecurrence.WEEKLY, ends_on=date(2026, 4, 1)),
    )  # fmt: skip
    assert unchanged == window
    assert not AuditEvent.objects.filter(tag=AuditTag.WINDOW_CHANGED).exists()
    window_update(
        organisation=organisation, actor=ACTOR, window=window, details=details(minutes=60)
    )

    event = AuditEvent.objects.get(tag=AuditTag.WINDOW_CHANGED)
    assert event.details["changes"]["minutes"] == [120, 60]
    delivery.refresh_from_db()
    assert delivery.send_at == clock.now()
    window_delete(organisation=organisation, actor=ACTOR, window=window)
    assert silence_reasons(incidents=[incident], now=clock.now()) == {}
    assert windows_list(organisation=organisation, now=clock.now()) == []
    assert window_get(organisation=organisation, pk=window.pk).deleted_by == ACTOR.name
    with pytest.raises(NotFound):
        window_delete(organisation=organisation, actor=ACTOR, window=window)
    with pytest.raises(NotFound):
        window_update(organisation=organisation, actor=ACTOR, window=window, details=details())


def test_ending_a_window_of_the_panel_lets_out_what_it_held_back(incident: Incident) -> None:
    window = window_create(organisation=None, actor=ACTOR, details=details())
    delivery = hold(incident, "window", clock.now() + timedelta(hours=1))
    window_delete(organisation=None, actor=ACTOR, window=window)

    delivery.refresh_from_db()
    assert delivery.send_at == clock.now()


def test_windows_are_those_of_their_organisation(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    window = window_create(organisation=organisation, actor=ACTOR, details=details())
    window_create(organisation=None, actor=ACTOR, details=details())

    assert windows_list(organisation=organisation, now=clock.now()) == [window]
    for foreign in (other_organisation, None):
        with pytest.raises(NotFound):
            window_get(organisation=foreign, pk=window.pk)
        with pytest.raises(NotFound):
            window_delete(organisation=foreign, actor=ACTOR, window=window)


def test_windows_that_are_over_are_not_listed(
    organisation: Organisation, hand_clock: HandClock
) -> None:
    window_create(organisation=organisation, actor=ACTOR, details=details())
    hand_clock.advance(days=1)
    assert windows_list(organisation=organisation, now=clock.now()) == []
    assert MaintenanceWindow.objects.count() == 1

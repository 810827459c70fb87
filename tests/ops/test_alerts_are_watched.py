"""`doctor` and `/metrics` say whether anybody is told of anything."""

from datetime import timedelta

import pytest
from django.conf import LazySettings

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Channel, DeliveryState, Message, OutsideHeartbeat
from freddy_admin.ops.doctor import DoctorFinding, doctor_checks_run
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_factories import channel_create, incident_create, message_create
from tests.hand_clock import HandClock
from tests.ops.test_metrics_view import parse_samples, request_metrics

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(hand_clock: HandClock) -> User:
    return User.objects.create(email="root@example.org", is_platform_admin=True)


def alerts_finding() -> DoctorFinding:
    return next(finding for finding in doctor_checks_run() if finding.part == "alerts")


def test_doctor_says_that_messages_go_out(
    hand_clock: HandClock, organisation: Organisation
) -> None:
    incident_create(organisation)
    finding = alerts_finding()
    assert finding.ok
    assert finding.sentence.startswith("1 open incident. Messages go out")


def test_doctor_finds_a_sender_that_is_dead(
    hand_clock: HandClock, organisation: Organisation
) -> None:
    message_create(channel_create(organisation), incident_create(organisation))
    hand_clock.advance(minutes=11)
    finding = alerts_finding()
    assert not finding.ok
    assert "Messages are due and nobody sends them: start a worker" in finding.sentence


def test_doctor_names_channels_that_take_nothing(
    hand_clock: HandClock, organisation: Organisation
) -> None:
    channel_create(organisation, failing_since=hand_clock.at - timedelta(hours=1), answer="503")
    channel_create(None, name="pager", disabled_at=hand_clock.at, disabled_reason="gone")
    finding = alerts_finding()
    assert not finding.ok
    assert "hook of Alder: " in finding.sentence
    assert "pager of the whole panel: " in finding.sentence


def test_metrics_count_messages_incidents_and_channels(
    admin: User, hand_clock: HandClock, organisation: Organisation, settings: LazySettings
) -> None:
    settings.HEARTBEAT_URL = "https://hc.example.org/uuid"
    channel = channel_create(organisation)
    incident = incident_create(organisation)
    for state in (DeliveryState.SENT, DeliveryState.GIVEN_UP, DeliveryState.QUEUED):
        message = message_create(channel)
        Message.objects.filter(pk=message.pk).update(state=state)
    channel_create(organisation, name="a", failing_since=hand_clock.at)
    channel_create(None, name="b", disabled_at=hand_clock.at)
    now = hand_clock.at
    OutsideHeartbeat.objects.create(attempted_at=now, next_attempt_at=now, sent_at=now)
    hand_clock.advance(minutes=12)
    samples = parse_samples(request_metrics(admin))
    assert samples["freddy_incidents_open"] == {("action_needed",): 1, ("warning",): 0}
    assert samples["freddy_deliveries"] == {
        ("webhook", "sent"): 1, ("webhook", "given_up"): 1, ("webhook", "queued"): 1,
    }  # fmt: skip
    assert samples["freddy_deliveries_oldest_age_seconds"] == {(): 720}
    assert samples["freddy_channels_failing"] == {(): 1}
    assert samples["freddy_channels_refused"] == {(): 1}
    assert samples["freddy_messages_stand_still"] == {(): 1}
    assert samples["freddy_outside_heartbeat_age_seconds"] == {(): 720}
    assert Channel.objects.count() == 3
    assert incident.pk

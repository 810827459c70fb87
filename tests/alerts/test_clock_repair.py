"""A machine's clock was a year ahead for a while: no alert waits for that year, or is lost."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import DateTimeField

from freddy_admin.accounts.models import User
from freddy_admin.alerts.deliveries.absence import sender_heartbeat_record
from freddy_admin.alerts.deliveries.grouping import deliveries_group
from freddy_admin.alerts.digest.services import digests_plan
from freddy_admin.alerts.models import (
    AlertPreferences,
    Channel,
    Delivery,
    DigestFrequency,
    DigestRun,
    Incident,
    Message,
    Mute,
)
from freddy_admin.alerts.silences.selectors import silence_reasons
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.clock_monitor import clocks_check_and_repair
from freddy_admin.sync.clock_repair import future_timestamps_repair, timestamped_tables
from freddy_admin.vault.models import ChannelSecret
from tests.alerts.delivery_flow import (
    channel_create,
    incident_open,
    incidents_resolve,
    kinds_told,
    rule_make,
)
from tests.alerts.flow_fixtures import mute
from tests.skewed_clock import SkewedClock

pytestmark = pytest.mark.django_db
YEAR, HOUR, MINUTE = timedelta(days=365), timedelta(hours=1), timedelta(minutes=1)

# Written anew by each look, see `alerts.clock_repair`.
NOT_REPAIRED = {"SenderHeartbeat"}


@pytest.fixture
def machine_clock() -> Iterator[SkewedClock]:
    source = SkewedClock()
    with clock.override_clock(source):
        yield source


@pytest.fixture
def organisation(machine_clock: SkewedClock) -> Organisation:
    """Made under the clock that is moved."""
    return Organisation.objects.create(name="Alder", slug="alder", created_at=clock.now())


@pytest.fixture
def channel(organisation: Organisation) -> Channel:
    """A channel that is told of all incidents of the organisation."""
    channel = channel_create(organisation)
    rule_make(organisation, channel)
    return channel


def work() -> None:
    """What the worker does with deliveries, as often as something is due."""
    clocks_check_and_repair(now=clock.now())
    sender_heartbeat_record(now=clock.now())
    while deliveries_group(now=clock.now()):
        pass


def later(machine_clock: SkewedClock, *, step: timedelta = MINUTE, **span: float) -> None:
    """Let a span pass; after a step of a quarter of an hour openings would be looked at anew."""
    end = machine_clock.skew + timedelta(**span)
    while machine_clock.skew < end:
        machine_clock.skew += step
        work()


def test_every_moment_of_the_alerts_is_repaired() -> None:
    repaired = {
        table.model: {*table.past_columns, *table.planned_columns, *table.special_columns}
        for table in timestamped_tables()
    }
    missing = [
        f"{model.__name__}.{field.name}"
        for model in (*apps.get_app_config("alerts").get_models(), ChannelSecret)
        if model.__name__ not in NOT_REPAIRED
        for field in model._meta.get_fields()
        if isinstance(field, DateTimeField) and field.name not in repaired.get(model, set())
    ]
    assert missing == []


def test_opening_planned_before_the_jump_is_told_after_it(
    machine_clock: SkewedClock, organisation: Organisation, channel: Channel
) -> None:
    work()
    incident = incident_open(organisation)
    machine_clock.skew = YEAR
    work()
    assert Delivery.objects.get().send_at > clock.now()  # looked at in a year
    machine_clock.skew = timedelta()
    work()
    later(machine_clock, minutes=3)
    assert kinds_told(channel) == ["opened"]
    incidents_resolve(incident)
    later(machine_clock, minutes=3)
    assert kinds_told(channel) == ["opened", "resolved"]


def test_what_happened_ahead_of_time_is_told_and_ends_as_any_other(
    machine_clock: SkewedClock, organisation: Organisation, channel: Channel
) -> None:
    work()
    machine_clock.skew = YEAR
    work()
    incident = incident_open(organisation)
    later(machine_clock, minutes=3)
    assert kinds_told(channel) == ["opened"]
    late = incident_open(organisation)
    machine_clock.skew = timedelta()
    work()
    rows: dict[str, list[Any]] = {
        "incident": list(Incident.objects.values_list("opened_at", "noticed_at")),
        "message": list(Message.objects.values_list("created_at", flat=True)),
    }
    assert max(at for row in rows["incident"] for at in row) <= clock.now()
    assert max(rows["message"]) <= clock.now()
    later(machine_clock, minutes=2)
    reminders = Delivery.objects.filter(incident=incident, kind="reminder")
    assert reminders.get().send_at <= clock.now() + HOUR
    incidents_resolve(incident, Incident.objects.get(pk=late.pk))
    later(machine_clock, minutes=3)
    assert kinds_told(channel)[-1] == "resolved"
    assert not Delivery.objects.filter(kind="opened", send_at__isnull=False).exists()


def test_mute_set_ahead_of_time_lasts_as_long_as_was_meant(
    machine_clock: SkewedClock, organisation: Organisation, channel: Channel
) -> None:
    work()
    incident = incident_open(organisation)
    machine_clock.skew = YEAR
    mute(incident, hours=2)
    work()
    machine_clock.skew = timedelta()
    work()
    (reason,) = silence_reasons(incidents=[incident], now=clock.now())[incident.pk]
    assert HOUR < reason.until - clock.now() <= 2 * HOUR
    assert Mute.objects.get().created_at <= clock.now()
    later(machine_clock, minutes=90, step=5 * MINUTE)
    assert kinds_told(channel) == []
    later(machine_clock, minutes=40, step=5 * MINUTE)
    assert kinds_told(channel) == ["opened"]


def test_channel_that_asked_for_patience_ahead_of_time_is_asked_again(
    machine_clock: SkewedClock, channel: Channel
) -> None:
    work()
    machine_clock.skew = YEAR
    Channel.objects.update(retry_at=clock.now() + HOUR, failing_since=clock.now())
    machine_clock.skew = timedelta()
    work()
    channel.refresh_from_db()
    assert channel.retry_at is not None
    assert channel.failing_since is not None
    assert channel.retry_at <= clock.now() >= channel.failing_since


def test_reminder_of_before_the_jump_keeps_its_time(
    machine_clock: SkewedClock, organisation: Organisation, channel: Channel
) -> None:
    work()
    incident_open(organisation)
    later(machine_clock, minutes=2)
    planned_at = Delivery.objects.get(kind="reminder").send_at
    machine_clock.skew += YEAR
    work()
    assert planned_at < Delivery.objects.get(kind="reminder").send_at
    machine_clock.skew -= YEAR
    work()
    send_at: datetime = Delivery.objects.get(kind="reminder").send_at
    assert send_at == pytest.approx(planned_at, abs=MINUTE) or send_at <= clock.now()
    assert kinds_told(channel) == ["opened"]


def test_no_digest_of_a_day_to_come_stands_for_those_until_then(
    machine_clock: SkewedClock, organisation: Organisation, manager: User
) -> None:
    work()
    AlertPreferences.objects.create(user=manager, digest=DigestFrequency.DAILY, digest_hour=0)
    machine_clock.skew = YEAR
    assert digests_plan(now=clock.now()) == 0
    assert not DigestRun.objects.exists()
    machine_clock.skew = timedelta()
    work()
    hour = clock.now().hour
    AlertPreferences.objects.update(digest_hour=hour)
    assert digests_plan(now=clock.now()) == 1


def test_repair_may_run_twice(
    machine_clock: SkewedClock, organisation: Organisation, channel: Channel
) -> None:
    machine_clock.skew = YEAR
    incident_open(organisation)
    machine_clock.skew = timedelta()
    now = clock.now()
    assert future_timestamps_repair(since=now, now=now) > 0
    assert future_timestamps_repair(since=now, now=now) == 0

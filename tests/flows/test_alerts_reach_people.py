"""Whoever is told that something broke is told that it is well again: the whole way.

The API imitation fails and recovers by a script while the panel's clock runs fast; the worker's own
loop checks, opens incidents, groups and sends; receivers of each kind say what arrived.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.alerts.incidents.services import incident_acknowledge
from freddy_admin.alerts.models import AlertRule, Channel, Incident, IncidentState, Message
from freddy_admin.alerts.rehearsal.selectors import rehearsal_run
from freddy_admin.alerts.silences.services import incident_mute
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.outbox import outbox_drain, outbox_due_lanes
from freddy_admin.ops.alert_jobs import alert_jobs_add
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.worker.loop import WorkerLoop
from tests.alerts.channels.conftest import make_channel as make_channel
from tests.alerts.channels.conftest import pagerduty_receiver as pagerduty_receiver
from tests.alerts.channels.conftest import slack_receiver as slack_receiver
from tests.alerts.channels.conftest import webhook_receiver as webhook_receiver
from tests.drill_scale import RUN_FULL_DRILLS
from tests.flows.scripted_api import Figures, ScriptedApi, serve_scripted_api
from tests.flows.wait import wait_until
from tests.hand_clock import NOON, HandClock
from tests.people import user_create
from tests.receivers.http_receiver import Reply
from tests.receivers.pagerduty_receiver import PagerDutyReceiver
from tests.receivers.slack_receiver import SlackReceiver
from tests.receivers.webhook_receiver import WebhookReceiver
from tests.sync.conftest import MakeKey
from tests.sync.conftest import long_leases as long_leases
from tests.sync.conftest import make_key as make_key

pytestmark = [pytest.mark.django_db, pytest.mark.drill]
ANA = Actor(name="Ana (ana@example.org)", id=1)
# How far the clock moves before the worker does what is due.
STEP = timedelta(minutes=1 if RUN_FULL_DRILLS else 5)


@dataclass
class Schedule:
    """Figures of a connector that syncs every hour, until its syncs are stopped."""

    hand_clock: HandClock
    stopped_at: Any = None

    def figures(self) -> Figures:
        now = self.stopped_at or self.hand_clock.at
        last = NOON + timedelta(hours=1) * ((now - NOON) // timedelta(hours=1))
        return {
            "total_tools": 42,
            "enabled_tools": 7,
            "last_sync_at": f"{last:%Y-%m-%dT%H:%M:%SZ}",
            "next_sync_at": f"{last + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
            "sync_interval_hours": 1,
            "incremental_sync_enabled": False,
        }


@dataclass
class Panel:
    """A worker, with everything it does in one thread, so that a test can step it."""

    hand_clock: HandClock
    api: ScriptedApi
    schedule: Schedule
    loop: WorkerLoop = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A worker's process begins."""
        config = ClientConfig(self.api.address, connect_timeout=5, read_timeout=5, total_timeout=9)
        self.loop = WorkerLoop(client=AitronosClient(config, clock=clock.now), name="test")
        alert_jobs_add(self.loop.tasks)

    def run(self, **span: float) -> None:
        """Let this span pass, a step at a time."""
        end = self.hand_clock.at + timedelta(**span)
        while self.hand_clock.at < end:
            self.hand_clock.at = min(end, self.hand_clock.at + STEP)
            self.step()

    def restart(self, **span: float) -> None:
        """The worker ends, and another one begins after this span."""
        self.loop.stop()
        self.hand_clock.advance(**span)
        self.start()

    def step(self) -> None:
        """Do all that is due at this moment: checks, incidents, messages, sending."""
        assert wait_until(lambda: self.loop.tick(wait=0.02) >= 0 and not self.loop.busy)
        self.loop.tick(wait=0)
        for lane in outbox_due_lanes(limit=100):
            outbox_drain(lane=lane.name)


@pytest.fixture
def panel(hand_clock: HandClock) -> Iterator[Panel]:
    schedule = Schedule(hand_clock)
    with serve_scripted_api(ScriptedApi(schedule.figures)) as api:
        panel = Panel(hand_clock, api, schedule)
        yield panel
        panel.loop.stop()


@pytest.fixture
def organisation(hand_clock: HandClock, organisation: Organisation) -> Organisation:
    return organisation


@pytest.fixture
def manager(organisation: Organisation) -> User:
    person = user_create("mona@example.org")
    Membership.objects.create(
        organisation=organisation, user=person, role="manager", created_at=clock.now()
    )
    return person


def rule_create(organisation: Organisation | None, *channels: Channel, **values: Any) -> None:
    """A rule that tells these channels of all incidents."""
    fields = {"name": "All", "severity": "warning", "created_by": "test"} | values
    rule = AlertRule.objects.create(organisation=organisation, created_at=clock.now(), **fields)
    rule.channels.set(channels)


def kinds(receiver: WebhookReceiver) -> list[str]:
    """What a webhook was told, each id once."""
    return [str(event["type"]).rpartition(".")[2] for event in receiver.events]


def mails_to(address: str) -> list[str]:
    """The subjects of the mails that this person got."""
    return [message.subject for message in mail.outbox if message.to == [address]]


def test_new_panel_tells_managers_of_a_missed_sync_and_of_its_end(
    panel: Panel, make_key: MakeKey, manager: User
) -> None:
    make_key()
    panel.run(minutes=10)
    panel.schedule.stopped_at = panel.hand_clock.at
    panel.run(hours=2)
    [opened, *_reminders] = mails_to(manager.email)
    assert "Overdue" in opened
    panel.schedule.stopped_at = None
    panel.run(minutes=15)
    subjects = mails_to(manager.email)
    assert subjects[-1].startswith("Resolved: ")
    assert sum(subject.startswith("Resolved: ") for subject in subjects) == 1
    incident = Incident.objects.get()
    assert incident.state == IncidentState.RESOLVED
    assert not Message.objects.exclude(state="sent").exists()


def test_outage_over_many_organisations_is_one_opening_and_one_end_for_each_channel(
    panel: Panel,
    make_key: MakeKey,
    organisation: Organisation,
    webhook_receiver: WebhookReceiver,
    pagerduty_receiver: PagerDutyReceiver,
    platform_admin: User,
    make_channel: Any,
) -> None:
    make_key()
    for number in range(9):
        other = Organisation.objects.create(
            name=f"Org {number}", slug=f"org-{number}", created_at=clock.now()
        )
        make_key(at=other)
    hook = make_channel("webhook", webhook_receiver, organisation=None)
    webhook_receiver.secret = hook.signing_secret
    pager = make_channel("pagerduty", organisation=None)
    rule_create(None, hook.channel, pager.channel, roles=["platform_admin"], sends_reminders=False)
    panel.run(minutes=10)
    panel.api.status = 503
    panel.run(minutes=40)
    assert kinds(webhook_receiver) == ["opened"]
    assert len(pagerduty_receiver.open_alerts) == pagerduty_receiver.opened_count == 1
    panel.api.status = 200
    panel.run(minutes=45)
    assert kinds(webhook_receiver) == ["opened", "resolved"]
    assert set(webhook_receiver.ids.values()) == {1}
    assert pagerduty_receiver.open_alerts == {}
    assert len(mails_to(platform_admin.email)) == 2


def test_receiver_that_fails_for_an_hour_gets_opening_and_end_and_no_double(
    panel: Panel,
    make_key: MakeKey,
    organisation: Organisation,
    webhook_receiver: WebhookReceiver,
    slack_receiver: SlackReceiver,
    make_channel: Any,
) -> None:
    make_key()
    hook = make_channel("webhook", webhook_receiver)
    webhook_receiver.secret = hook.signing_secret
    chat = make_channel("slack", slack_receiver)
    rule_create(organisation, hook.channel, chat.channel, sends_reminders=False)
    panel.run(minutes=10)
    panel.schedule.stopped_at = panel.hand_clock.at
    judge = webhook_receiver.judge
    webhook_receiver.judge = lambda _request: Reply(500)
    panel.run(hours=2, minutes=15)
    assert kinds(webhook_receiver) == []
    assert len(slack_receiver.taken) == 1  # the hanging one holds up nobody
    panel.schedule.stopped_at = None
    panel.run(minutes=10)
    webhook_receiver.judge = judge
    panel.run(hours=3)
    assert kinds(webhook_receiver) == ["opened", "resolved"]
    assert set(webhook_receiver.ids.values()) == {1}
    assert len(slack_receiver.taken) == 2


def test_mute_and_acknowledgement_hold_back_no_end_of_what_was_told(
    panel: Panel,
    make_key: MakeKey,
    organisation: Organisation,
    webhook_receiver: WebhookReceiver,
    make_channel: Any,
) -> None:
    make_key()
    hook = make_channel("webhook", webhook_receiver)
    webhook_receiver.secret = hook.signing_secret
    rule_create(organisation, hook.channel)
    panel.run(minutes=10)
    panel.schedule.stopped_at = panel.hand_clock.at
    panel.run(hours=1, minutes=30)
    assert kinds(webhook_receiver) == ["opened"]
    incident = Incident.objects.get()
    incident_acknowledge(organisation=organisation, actor=ANA, incident=incident)
    incident_mute(
        organisation=organisation,
        actor=ANA,
        incident=Incident.objects.get(),
        until=clock.now() + timedelta(days=2),
        reason="Tom is on it",
    )
    panel.run(hours=2)
    assert kinds(webhook_receiver) == ["opened"]
    panel.schedule.stopped_at = None
    panel.run(minutes=15)
    assert kinds(webhook_receiver) == ["opened", "resolved"]


def test_worker_that_starts_again_announces_nothing_that_was_told(
    panel: Panel,
    make_key: MakeKey,
    organisation: Organisation,
    webhook_receiver: WebhookReceiver,
    make_channel: Any,
) -> None:
    make_key()
    hook = make_channel("webhook", webhook_receiver)
    webhook_receiver.secret = hook.signing_secret
    rule_create(organisation, hook.channel, sends_reminders=False)
    panel.run(minutes=10)
    panel.schedule.stopped_at = panel.hand_clock.at
    panel.run(hours=1, minutes=30)
    assert kinds(webhook_receiver) == ["opened"]
    for hours_away in (0, 3):
        panel.restart(hours=hours_away)
        panel.run(minutes=30)
    assert kinds(webhook_receiver) == ["opened"]
    panel.schedule.stopped_at = None
    panel.run(minutes=15)
    assert kinds(webhook_receiver) == ["opened", "resolved"]


def test_keys_that_nobody_looked_at_during_an_upgrade_are_no_incident(
    panel: Panel, make_key: MakeKey, manager: User
) -> None:
    """They became unknown meanwhile, for there was no worker."""
    for label in ("a", "b", "c"):
        make_key(label)
    panel.run(minutes=10)
    panel.restart(days=1)
    panel.run(minutes=40)
    assert not Incident.objects.exists()
    assert mails_to(manager.email) == []


def test_rehearsal_counts_what_the_same_days_really_sent(
    panel: Panel,
    make_key: MakeKey,
    organisation: Organisation,
    manager: User,
    platform_admin: User,
) -> None:
    for label in ("a", "b", "c", "d"):
        make_key(label)
    rule_create(organisation, roles=["manager"])
    panel.run(minutes=20)
    for status, minutes in ((503, 50), (200, 30), (401, 80), (200, 90)):
        panel.api.status = status
        panel.run(minutes=minutes)
    panel.schedule.stopped_at = panel.hand_clock.at
    panel.run(hours=3)
    panel.schedule.stopped_at = None
    panel.run(minutes=30)
    sent = Message.objects.filter(state="sent").count()
    rehearsal = rehearsal_run(user=platform_admin, now=clock.now())
    assert sent >= 6
    assert rehearsal.message_count == sent
    assert not SyncStatus.objects.exclude(recorded_state="up_to_date").exists()

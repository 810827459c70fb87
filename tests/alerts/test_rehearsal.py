"""The rehearsal replays what happened, and counts the messages that really went out."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as wall_time

import pytest
from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.alerts.deliveries.planning import causes_link_and_plan
from freddy_admin.alerts.models import (
    AlertRule,
    ChannelKind,
    DeliveryKind,
    Incident,
    Message,
    Severity,
)
from freddy_admin.alerts.rehearsal.selectors import Rehearsal, rehearsal_run
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.recorder import PendingHistory, pending_history_save
from freddy_admin.sync.models import EventKind, HistoryEvent, SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.alerts.conftest import HandClock
from tests.alerts.delivery_flow import DeliveryFlow, channel_create, rule_make
from tests.people import user_create

pytestmark = pytest.mark.django_db
UP, OVERDUE = HealthState.UP_TO_DATE, HealthState.OVERDUE
UNKNOWN, REJECTED = HealthState.UNKNOWN, HealthState.KEY_REJECTED


@dataclass
class Fleet:
    """Keys whose states change by a script, recorded as checks record them."""

    hand_clock: HandClock
    keys: list[ApiKey] = field(default_factory=list)

    def add(self, organisation: Organisation, count: int) -> None:
        """Add keys that are well."""
        for number in range(count):
            key = ApiKey.objects.create(
                organisation=organisation,
                label=f"{organisation.slug} {number}",
                status=KeyLifecycle.ACTIVE,
                created_at=clock.now(),
            )
            SyncStatus.objects.create(
                key=key,
                organisation=organisation,
                state=UP,
                state_since=clock.now(),
                recorded_state=UP,
                recorded_at=clock.now(),
                next_check_at=clock.now(),
                updated_at=clock.now(),
            )
            self.keys.append(key)

    def change(self, keys: Iterable[ApiKey], state: HealthState) -> None:
        """The keys come into this state now, and the worker sees it."""
        now, history = clock.now(), PendingHistory()
        rows = list(SyncStatus.objects.filter(key__in=list(keys)).exclude(recorded_state=state))
        for row in rows:
            history.add_state_change(row, state, at=now, now=now)
        with transaction.atomic():
            SyncStatus.objects.bulk_update(rows, ["recorded_state", "recorded_at"])
            pending_history_save(history)


def run_script(fleet: Fleet, script: list[tuple[float, list[ApiKey], HealthState]]) -> None:
    """Let the script happen, in minutes from now, with a drain every ten seconds."""
    start, flow = fleet.hand_clock.at, DeliveryFlow(fleet.hand_clock)
    for minutes, keys, state in script:
        pause = start + timedelta(minutes=minutes) - fleet.hand_clock.at
        flow.run(step=30 if pause < timedelta(hours=6) else 300, seconds=pause.total_seconds())
        fleet.change(keys, state)
        causes_link_and_plan(now=clock.now())


def sent_counts() -> Counter[tuple[str, str]]:
    """How many messages of each kind each channel really got."""
    return Counter(
        (str(message.channel.user or message.channel), message.kind)
        for message in Message.objects.select_related("channel__user")
    )


def rehearsed_counts(rehearsal: Rehearsal) -> Counter[tuple[str, str]]:
    """How many messages of each kind the rehearsal counts for each channel."""
    return Counter(
        (str(recipient.user or recipient.channel), message.kind.value)
        for recipient in rehearsal.recipients
        for message in recipient.messages
    )


@pytest.fixture
def fleet(hand_clock: HandClock) -> Fleet:
    return Fleet(hand_clock)


@pytest.fixture
def manager(organisation: Organisation, hand_clock: HandClock) -> User:
    person = user_create("manager@example.org")
    Membership.objects.create(
        organisation=organisation, user=person, role="manager", created_at=clock.now()
    )
    return person


def test_rehearsal_counts_what_a_day_really_sent(
    fleet: Fleet,
    organisation: Organisation,
    other_organisation: Organisation,
    manager: User,
    platform_admin: User,
    hand_clock: HandClock,
) -> None:
    ops = channel_create(organisation)
    pager = channel_create(None, ChannelKind.PAGERDUTY, "pager")
    slow = channel_create(other_organisation, ChannelKind.WEBHOOK, "slow")
    rule_make(organisation, ops, roles=["manager"], severity=Severity.ACTION_NEEDED)
    rule_make(None, pager, sends_reminders=False)
    rule_make(other_organisation, slow, delay_minutes=20)
    fleet.add(organisation, 4)
    fleet.add(other_organisation, 2)
    a, b, c, d, e, f = fleet.keys
    run_script(
        fleet,
        [
            (1, [a, b], OVERDUE),  # told together
            (1.5, [c], OVERDUE),
            (30, [a], UP),
            (31.2, [b, c], UP),
            (60, [d], OVERDUE),  # over within the minute: nothing is sent
            (60.5, [d], UP),
            (90, [e], REJECTED),  # shorter than the delay of its rule
            (100, [e], UP),
            (120, [e], REJECTED),
            (150, [f], OVERDUE),
            (300, [e, f], UP),
            (310, [a], OVERDUE),  # long enough for reminders
            (800, [a], UP),
        ],
    )
    DeliveryFlow(hand_clock).run(step=30, minutes=10)
    sent = sent_counts()
    assert sent["ops", "reminder"] == 2
    assert (sent["slow", "opened"], sent["slow", "resolved"]) == (2, 1)
    assert rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now())) == sent


def test_rehearsal_agrees_with_the_real_path_over_chance(
    fleet: Fleet,
    organisation: Organisation,
    other_organisation: Organisation,
    manager: User,
    platform_admin: User,
    hand_clock: HandClock,
) -> None:
    chance = random.Random(13)
    hook = channel_create(organisation, ChannelKind.WEBHOOK, "hook")
    chat = channel_create(None, ChannelKind.SLACK, "chat")
    rule_make(
        organisation,
        hook,
        roles=["manager"],
        quiet_from=wall_time(22),
        quiet_until=wall_time(7),
        zone="Europe/Zurich",
    )
    rule_make(None, chat, delay_minutes=5)
    fleet.add(organisation, 5)
    fleet.add(other_organisation, 4)
    script, minutes = list[tuple[float, list[ApiKey], HealthState]](), 0.0
    for _change in range(60):
        minutes += chance.choice([0.21, 0.53, 2.07, 11.3, 45.7, 90.9])
        keys = chance.sample(fleet.keys, chance.randint(1, 3))
        script.append((minutes, keys, chance.choice([UP, UP, OVERDUE, REJECTED])))
    run_script(fleet, script)
    DeliveryFlow(hand_clock).run(step=30, hours=12)
    sent = sent_counts()
    assert sum(sent.values()) > 30
    assert rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now())) == sent


def test_history_that_is_older_than_incidents_is_replayed_as_well(
    fleet: Fleet, organisation: Organisation, manager: User, hand_clock: HandClock
) -> None:
    fleet.add(organisation, 1)
    [key] = fleet.keys
    run_script(fleet, [(10, [key], OVERDUE), (20, [key], UP)])
    hand_clock.advance(days=3)
    counts = rehearsed_counts(rehearsal_run(user=manager, now=clock.now()))
    Incident.objects.all().delete()
    assert rehearsed_counts(rehearsal_run(user=manager, now=clock.now())) == counts
    assert counts == {(str(manager), "opened"): 1, (str(manager), "resolved"): 1}
    hand_clock.advance(days=30)
    assert rehearsal_run(user=manager, now=clock.now()).message_count == 0


def test_rule_that_is_changed_changes_the_rehearsal_and_nothing_else(
    fleet: Fleet, organisation: Organisation, manager: User
) -> None:
    fleet.add(organisation, 1)
    [key] = fleet.keys
    run_script(fleet, [(10, [key], OVERDUE), (20, [key], UP), (30, [key], UP)])
    messages = Message.objects.count()
    assert rehearsal_run(user=manager, now=clock.now()).message_count == 2
    rule = rule_make(organisation, roles=["manager"], delay_minutes=15)
    assert rehearsal_run(user=manager, now=clock.now()).message_count == 0
    AlertRule.objects.filter(pk=rule.pk).update(delay_minutes=0)
    assert rehearsal_run(user=manager, now=clock.now()).message_count == 2
    assert Message.objects.count() == messages


def test_rehearsal_shows_each_person_what_is_theirs_to_see(
    fleet: Fleet,
    organisation: Organisation,
    other_organisation: Organisation,
    manager: User,
    platform_admin: User,
) -> None:
    operator = user_create("operator@example.org")
    Membership.objects.create(
        organisation=organisation, user=operator, role="operator", created_at=clock.now()
    )
    fleet_channel = channel_create(None, ChannelKind.SLACK, "fleet")
    rule_make(None, fleet_channel, roles=["platform_admin"])
    rule_make(organisation, channel_create(organisation), roles=["manager", "operator"])
    rule_make(other_organisation, channel_create(other_organisation, name="theirs"))
    fleet.add(organisation, 1)
    fleet.add(other_organisation, 1)
    run_script(fleet, [(10, fleet.keys, OVERDUE), (20, fleet.keys, UP), (30, [], UP)])

    def names(user: User, at: Organisation | None = None) -> set[str]:
        rehearsal = rehearsal_run(user=user, now=clock.now(), organisation=at)
        return {str(recipient.user or recipient.channel) for recipient in rehearsal.recipients}

    assert names(operator) == {str(operator)}
    assert names(manager) == {str(manager), str(operator), "ops"}
    everybody = {str(manager), str(operator), "ops", "theirs", "fleet", str(platform_admin)}
    assert names(platform_admin) == everybody
    assert names(platform_admin, other_organisation) == {
        "theirs",
        "fleet",
        str(platform_admin),
    }
    assert names(manager, other_organisation) == set()


def test_thirty_days_of_many_keys_are_replayed(
    organisation: Organisation, platform_admin: User, hand_clock: HandClock
) -> None:
    now, chance = clock.now(), random.Random(1)
    channel_kinds = [ChannelKind.SLACK, ChannelKind.SLACK, ChannelKind.PAGERDUTY]
    channels = [channel_create(None, kind, f"{n}") for n, kind in enumerate(channel_kinds)]
    rule_make(None, *channels)
    keys = ApiKey.objects.bulk_create(
        ApiKey(organisation=organisation, label=str(n), status=KeyLifecycle.ACTIVE, created_at=now)
        for n in range(100)
    )
    events = []
    for key in keys:
        at = now - timedelta(days=30)
        for _incident in range(5):
            at += timedelta(hours=chance.uniform(20, 120))
            end = at + timedelta(minutes=chance.uniform(5, 400))
            events += [_event(key, at, UP, OVERDUE), _event(key, end, OVERDUE, UP)]
            at = end
    HistoryEvent.objects.bulk_create(events, batch_size=2_000)
    rehearsal = rehearsal_run(user=platform_admin, now=now)
    assert rehearsal.incident_count > 400
    assert rehearsal.message_count > 800


def _event(key: ApiKey, at: datetime, before: HealthState, after: HealthState) -> HistoryEvent:
    return HistoryEvent(
        organisation_id=key.organisation_id,
        key_id=key.pk,
        kind=EventKind.HEALTH_CHANGED,
        at=at,
        noticed_at=at,
        details={"state": [before.value, after.value]},
    )


def test_kinds_of_messages_are_counted_apart(
    fleet: Fleet, organisation: Organisation, manager: User
) -> None:
    fleet.add(organisation, 1)
    run_script(fleet, [(10, fleet.keys, OVERDUE), (100, fleet.keys, UP), (110, [], UP)])
    [recipient] = rehearsal_run(user=manager, now=clock.now()).recipients
    kinds = {kind: recipient.count(kind) for kind in DeliveryKind}
    assert kinds == {
        DeliveryKind.OPENED: 1,
        DeliveryKind.REMINDER: 1,
        DeliveryKind.RESOLVED: 1,
    }

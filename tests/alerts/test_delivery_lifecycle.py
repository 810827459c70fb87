"""Who was told that an incident began is told once that it is over, whatever happened between."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import hypothesis
import pytest
from django.db import transaction
from hypothesis import strategies as st

from freddy_admin.alerts.deliveries.planning import openings_plan, openings_replan
from freddy_admin.alerts.models import (
    AlertRule,
    Channel,
    ChannelKind,
    Delivery,
    Incident,
    IncidentState,
    Message,
    Mute,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from tests.alerts.delivery_flow import (
    DeliveryFlow,
    cause_create,
    channel_create,
    incident_acknowledge_row,
    incident_open,
    incidents_resolve,
    rule_make,
)
from tests.drill_scale import RUN_FULL_DRILLS
from tests.hand_clock import NOON, HandClock

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite_is_enough]

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(
                [
                    *("open", "open_by_cause", "resolve", "mute", "unmute", "acknowledge"),
                    *("unacknowledge", "worsen", "rule_off", "rule_on", "channel_off"),
                    *("channel_on", "link"),
                ]
            ),
            st.integers(0, 3),
        ),
        # Minutes that pass; the drain may be away while they do.
        st.tuples(st.sampled_from(["pass", "away"]), st.sampled_from([0, 1, 3, 10, 70, 700])),
    ),
    max_size=25,
)


class Panel:
    """A panel of one organisation whose incidents, rules and channels change by steps."""

    def __init__(self, flow: DeliveryFlow) -> None:
        self.flow = flow
        self.organisation = Organisation.objects.create(
            name="Elm", slug="elm", created_at=clock.now()
        )
        self.cause = cause_create()
        slack = channel_create(self.organisation, ChannelKind.SLACK)
        hook = channel_create(self.organisation, ChannelKind.WEBHOOK)
        pager = channel_create(None, ChannelKind.PAGERDUTY)
        rule_make(self.organisation, slack, quiet_from="13:00", quiet_until="14:00")
        rule_make(self.organisation, slack, hook, delay_minutes=5)
        rule_make(None, pager)
        self.incidents: list[Incident] = []

    def step(self, name: str, number: int) -> None:
        """Do this to the incident, rule or channel of that number, where there is one."""
        if name in {"pass", "away"}:
            if name == "away":
                self.flow.hand_clock.advance(minutes=number)
            else:
                self.flow.run(minutes=number, step=max(10, number * 6))
        elif name.startswith("open"):
            cause = self.cause if name == "open_by_cause" else None
            self.incidents.append(incident_open(self.organisation, cause=cause))
        elif name.startswith(("rule", "channel")):
            self._switch(name, number)
        elif open_incidents := [i for i in self.incidents if i.state != IncidentState.RESOLVED]:
            self._change(name, open_incidents[number % len(open_incidents)])

    def _change(self, name: str, incident: Incident) -> None:
        now = clock.now()
        if name == "resolve":
            incidents_resolve(incident)
        elif name == "mute":
            until = now + timedelta(hours=1)
            Mute.objects.create(incident=incident, until=until, created_at=now, reason="-")
        elif name == "unmute":
            Mute.objects.filter(incident=incident).update(ended_at=now)
        elif name == "acknowledge":
            incident_acknowledge_row(incident)
        elif name == "unacknowledge":
            Incident.objects.filter(pk=incident.pk).update(state=IncidentState.OPEN)
        else:
            incident.cause = self.cause if name == "link" else incident.cause
            incident.health_state = HealthState.KEY_REJECTED
            incident.save()
            openings_plan(incidents=[incident], now=now)

    def _switch(self, name: str, number: int) -> None:
        if name.startswith("rule"):
            rules = list(AlertRule.objects.order_by("pk"))
            rule = rules[number % len(rules)]
            rule.enabled = name == "rule_on"
            rule.save()
            openings_replan(organisation=rule.organisation, now=clock.now())
            return
        channels = list(Channel.objects.filter(user=None).order_by("pk"))
        off_at = clock.now() if name == "channel_off" else None
        channel = channels[number % len(channels)]
        Channel.objects.filter(pk=channel.pk).update(disabled_at=off_at)

    def end(self) -> None:
        """Everything recovers, is switched on again, and time passes."""
        incidents_resolve(*(i for i in self.incidents if i.state != IncidentState.RESOLVED))
        Channel.objects.update(disabled_at=None)
        self.flow.run(hours=26, step=900)


@contextmanager
def panel_block() -> Iterator[Panel]:
    """A panel of which nothing is left behind."""
    hand_clock = HandClock(NOON)
    with clock.override_clock(hand_clock), transaction.atomic():
        yield Panel(DeliveryFlow(hand_clock))
        transaction.set_rollback(True)


@pytest.mark.drill
@hypothesis.settings(max_examples=60 if RUN_FULL_DRILLS else 20)
@hypothesis.given(steps=STEPS)
def test_each_opening_that_was_sent_has_exactly_one_end(steps: list[tuple[str, int]]) -> None:
    with panel_block() as panel:
        for name, number in steps:
            panel.step(name, number)
        panel.end()
        sent = Delivery.objects.filter(message__isnull=False)
        openings = dict(_places(sent.filter(kind="opened")))
        ends = dict(_places(sent.filter(kind="resolved")))

        assert openings.keys() == ends.keys()
        assert all(openings[place] < ends[place] for place in openings)
        reminders = sent.filter(kind="reminder").select_related("message")
        for reminder in reminders:
            place = (reminder.incident_id, reminder.channel_id)
            assert openings[place] < (reminder.message_id or 0) < ends[place]
        # Nothing is left that would be sent at some time.
        assert not Delivery.objects.filter(send_at__isnull=False).exists()


@pytest.mark.drill
@hypothesis.settings(max_examples=20 if RUN_FULL_DRILLS else 7)
@hypothesis.given(steps=STEPS)
def test_no_channel_gets_more_than_a_message_a_minute_for_one_reason(
    steps: list[tuple[str, int]],
) -> None:
    with panel_block() as panel:
        for name, number in steps:
            panel.step(name, number)
        panel.end()
        messages = Message.objects.exclude(channel__kind=ChannelKind.PAGERDUTY)
        counts = Counter(messages.values_list("channel", "kind", "cause", "created_at"))
        assert all(count == 1 for count in counts.values())


def _places(rows: object) -> Iterator[tuple[tuple[int, int], int]]:
    for incident, channel, message in rows.values_list("incident", "channel", "message"):  # type: ignore[attr-defined]
        yield (incident, channel), message

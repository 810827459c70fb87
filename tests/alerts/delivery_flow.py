"""Incidents under the hand clock, and what the drain makes of their deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min

from freddy_admin.alerts.deliveries.grouping import deliveries_group
from freddy_admin.alerts.deliveries.planning import openings_plan, recoveries_plan
from freddy_admin.alerts.models import (
    AlertRule,
    Cause,
    CauseKind,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryState,
    Incident,
    IncidentState,
    Message,
    Severity,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from tests.hand_clock import HandClock


@dataclass
class DeliveryFlow:
    """One panel's deliveries; each step of the clock is followed by a drain."""

    hand_clock: HandClock

    def run(self, *, step: float = 10, **span: float) -> int:
        """Let this span pass in steps of some seconds; returns how many deliveries were decided.

        Steps at which nothing is due yet pass without a drain, which would decide nothing.
        """
        end, pause = self.hand_clock.at + timedelta(**span), timedelta(seconds=step)
        count = self.drain()
        while self.hand_clock.at < end:
            idle_until = min(end, self._next_due_at() or end)
            self.hand_clock.at = min(end, self.hand_clock.at + pause)
            while self.hand_clock.at < idle_until:
                self.hand_clock.at = min(end, self.hand_clock.at + pause)
            count += self.drain()
        return count

    def _next_due_at(self) -> datetime | None:
        planned = Delivery.objects.aggregate(next_due_at=Min("send_at"))
        next_due_at: datetime | None = planned["next_due_at"]
        return next_due_at

    def drain(self) -> int:
        """Decide about all that is due at this moment."""
        count = 0
        while decided := deliveries_group(now=clock.now()):
            count += decided
        return count


def incident_create(
    organisation: Organisation,
    state: HealthState = HealthState.OVERDUE,
    *,
    cause: Cause | None = None,
) -> Incident:
    """An open incident of which nobody is told yet."""
    now = clock.now()
    is_urgent = state in STATES_NEEDING_ACTION
    return Incident.objects.create(
        organisation=organisation,
        cause=cause,
        severity=Severity.ACTION_NEEDED if is_urgent else Severity.WARNING,
        health_state=state,
        opened_at=now,
        noticed_at=now,
    )


def incident_open(
    organisation: Organisation,
    state: HealthState = HealthState.OVERDUE,
    *,
    cause: Cause | None = None,
) -> Incident:
    """An incident that opens now, with its openings planned."""
    incident = incident_create(organisation, state, cause=cause)
    with transaction.atomic():
        openings_plan(incidents=[incident], now=clock.now())
    return incident


def incidents_resolve(*incidents: Incident) -> None:
    """These incidents end now."""
    now = clock.now()
    with transaction.atomic():
        for incident in incidents:
            incident.state = IncidentState.RESOLVED
            incident.resolved_at = incident.resolution_noticed_at = now
        Incident.objects.bulk_update(
            incidents, ["state", "resolved_at", "resolution_noticed_at"], batch_size=500
        )
        recoveries_plan(incidents=incidents, now=now)


def incident_acknowledge_row(incident: Incident) -> None:
    """Somebody takes it on."""
    Incident.objects.filter(pk=incident.pk, state=IncidentState.OPEN).update(
        state=IncidentState.ACKNOWLEDGED, acknowledged_at=clock.now()
    )


def cause_create(kind: CauseKind = CauseKind.REFUSED_ALIKE) -> Cause:
    """An open cause."""
    return Cause.objects.create(kind=kind, detail="401", opened_at=clock.now())


def channel_create(
    organisation: Organisation | None, kind: ChannelKind = ChannelKind.SLACK, name: str = "ops"
) -> Channel:
    """A channel of an organisation, or of the whole panel."""
    return Channel.objects.create(
        organisation=organisation, kind=kind, name=name, created_at=clock.now()
    )


def rule_make(organisation: Organisation | None, *channels: Channel, **values: object) -> AlertRule:
    """A rule that tells these channels, of warnings too unless `values` say otherwise."""
    fields = {"severity": Severity.WARNING, "name": "Rule", "created_by": "test"} | values
    rule = AlertRule.objects.create(organisation=organisation, created_at=clock.now(), **fields)
    rule.channels.set(channels)
    return rule


def told(channel: Channel) -> list[tuple[str, list[int]]]:
    """What the messages of a channel tell, in their order: the kind, and the incidents' ids."""
    messages = Message.objects.filter(channel=channel).order_by("pk")
    return [
        (
            message.kind,
            sorted(message.deliveries.values_list("incident", flat=True)),
        )
        for message in messages.prefetch_related("deliveries")
    ]


def kinds_told(channel: Channel) -> list[str]:
    """The kinds of the messages of a channel, in their order."""
    return [kind for kind, _incidents in told(channel)]


def held(channel: Channel) -> list[tuple[str, datetime | None]]:
    """Why deliveries of a channel are held back, and until when."""
    rows = Delivery.objects.filter(channel=channel, state=DeliveryState.HELD).order_by("pk")
    return list(rows.values_list("held_reason", "send_at"))


def ids(incidents: Sequence[Incident]) -> list[int]:
    """The ids of these incidents, in order."""
    return sorted(incident.pk for incident in incidents)

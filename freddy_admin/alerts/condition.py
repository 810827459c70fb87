"""How the alerts themselves are: what waits, which channels do not take what they are sent."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, Q, QuerySet

from freddy_admin.alerts.heartbeat import heartbeat_state_get
from freddy_admin.alerts.models import (
    Channel,
    Delivery,
    DeliveryState,
    Incident,
    IncidentState,
    Message,
    Severity,
)
from freddy_admin.core.message_faults import FAULT_AFTER, MessageFault, message_faults
from freddy_admin.wording.alerts_condition import AlertsFacts, ChannelTrouble
from freddy_admin.wording.outside_heartbeat import HeartbeatState

OUTCOME_PERIOD: Final = timedelta(days=7)
_NAMED_CHANNELS: Final = 5
_FINISHED: Final = (DeliveryState.SENT, DeliveryState.GIVEN_UP, DeliveryState.DROPPED)


@dataclass(frozen=True, slots=True)
class AlertsCondition:
    """What the system page, `doctor` and `/metrics` say of the alerts; channels of all tenants."""

    incidents_open: dict[Severity, int]
    waiting_since: datetime | None  # since when the oldest is due that is not finished
    # Messages within `OUTCOME_PERIOD`, by kind of channel and state.
    outcomes: dict[tuple[str, str], int]
    failing_channels: list[Channel]  # some of them, those first that fail longest
    failing_count: int
    disabled_channels: list[Channel]  # switched off by the panel: some of them
    disabled_count: int
    heartbeat: HeartbeatState
    faults: set[MessageFault] = field(default_factory=set)

    @property
    def stands_still(self) -> bool:
        """Whether messages are due and nobody sends them."""
        return MessageFault.STANDSTILL in self.faults

    @property
    def given_up(self) -> int:
        """How many messages were given up within `OUTCOME_PERIOD`."""
        return sum(
            count
            for (_kind, state), count in self.outcomes.items()
            if state == DeliveryState.GIVEN_UP
        )


def alerts_condition_get(*, now: datetime) -> AlertsCondition:
    """The condition at `now`; for platform admins, for it names channels of all organisations."""
    failing = _channels_failing(now)
    disabled = _channels_in_use().filter(disabled_at__isnull=False, disabled_by="")
    faults, waiting_since = message_faults(now=now), _waiting_since(now)
    is_undelivered = Delivery.objects.filter(send_at__lt=now - FAULT_AFTER).exists()
    if is_undelivered:
        faults.add(MessageFault.STANDSTILL)
    return AlertsCondition(
        incidents_open=_incidents_open(),
        waiting_since=waiting_since,
        outcomes=_outcomes(now),
        failing_channels=list(failing[:_NAMED_CHANNELS]),
        failing_count=failing.count(),
        disabled_channels=list(disabled.order_by("-disabled_at")[:_NAMED_CHANNELS]),
        disabled_count=disabled.count(),
        heartbeat=heartbeat_state_get(now=now),
        faults=faults,
    )


def _channels_in_use() -> QuerySet[Channel]:
    return Channel.objects.filter(deleted_at=None).select_related("organisation", "user")


def _channels_failing(now: datetime) -> QuerySet[Channel]:
    return (
        _channels_in_use()
        .filter(disabled_at=None, failing_since__lt=now - FAULT_AFTER)
        .order_by("failing_since")
    )


def _incidents_open() -> dict[Severity, int]:
    rows = (
        Incident.objects.exclude(state=IncidentState.RESOLVED)
        .values_list("severity")
        .annotate(count=Count("pk"))
        .order_by()
    )
    counts = dict(rows)
    return {severity: counts.get(severity.value, 0) for severity in Severity}


def _waiting_since(now: datetime) -> datetime | None:
    unfinished = Message.objects.filter(~Q(state__in=_FINISHED))
    made_at = unfinished.aggregate(at=Min("created_at"))["at"]
    due_at = Delivery.objects.filter(send_at__lte=now).aggregate(at=Min("send_at"))["at"]
    return min((at for at in (made_at, due_at) if at is not None), default=None)


def _outcomes(now: datetime) -> dict[tuple[str, str], int]:
    rows = (
        Message.objects.filter(created_at__gte=now - OUTCOME_PERIOD)
        .values_list("channel__kind", "state")
        .annotate(count=Count("pk"))
        .order_by("channel__kind", "state")
    )
    return {(kind, state): count for kind, state, count in rows}


def alerts_facts(condition: AlertsCondition) -> AlertsFacts:
    """The condition as `wording.alerts_condition` says it."""
    return AlertsFacts(
        open_count=sum(condition.incidents_open.values()),
        stands_still=condition.stands_still,
        waiting_since=condition.waiting_since,
        failing=[_channel_trouble(c, c.failing_since) for c in condition.failing_channels],
        failing_count=condition.failing_count,
        disabled=[_channel_trouble(c, c.disabled_at) for c in condition.disabled_channels],
        disabled_count=condition.disabled_count,
        given_up=condition.given_up,
    )


def _channel_trouble(channel: Channel, since: datetime | None) -> ChannelTrouble:
    assert since is not None  # noqa: S101  the query asks for those with one
    owner = channel.organisation.name if channel.organisation else str(channel.user or "")
    name = channel.name or channel.get_kind_display()
    return ChannelTrouble(name=name, owner=owner, since=since, answer=channel.answer)

"""Who is told, and when: the decisions behind every message, pure and without a query.

The drain asks them of rows that are due, and the rehearsal of recorded history.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from freddy_admin.alerts.models import ChannelKind, DeliveryKind, Severity
from freddy_admin.alerts.rules.quiet_hours import QuietHours, quiet_until
from freddy_admin.sync.health_states import HealthState

PLATFORM_ADMIN_ROLE: Final = "platform_admin"
# One cause becomes one message: what comes so soon after the first is told together with it.
GROUPING_WAIT: Final = timedelta(seconds=60)
# Keys are checked in turn, so one cause shows itself over a whole period: its first message waits
# until nothing more came for a minute, but no longer than this.
CAUSE_OPENING_LIMIT: Final = timedelta(minutes=6)
# Its end waits for all that were told of it. A failing key is checked at least every 15 minutes.
CAUSE_RECOVERY_LIMIT: Final = timedelta(minutes=30)
# Who was told of a cause is told once in this time that it reached further.
CAUSE_REPEAT_WAIT: Final = timedelta(hours=1)
CHECKS_TO_CONFIRM: Final = 2  # of failed ones to begin with, of good ones to end
# The second check that confirms a first is waited for so long; then what is known is told.
CONFIRMATION_LIMIT: Final = timedelta(hours=1)
CONFIRMATION_LOOK: Final = timedelta(seconds=30)
# A message this late was held up by our own absence: look first whether it is still true.
OVERDUE_AFTER: Final = timedelta(minutes=15)
RECHECK_WAIT: Final = timedelta(minutes=5)
# After the opening 1 h, 4 h, 24 h; then daily.
_REMINDER_GAPS: Final = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=20))
_LATER_REMINDER_GAP: Final = timedelta(days=1)
# Read by machines, at any hour: an end that waited would keep somebody paged.
_MACHINE_KINDS: Final = frozenset({ChannelKind.WEBHOOK, ChannelKind.PAGERDUTY})


def kind_decided_alike(kind: ChannelKind) -> ChannelKind:
    """One kind for all about whose channels the same is decided: those that people read."""
    return kind if kind in _MACHINE_KINDS else ChannelKind.MAIL


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """What a rule says. Without an id it is a default one, see `rules.default`."""

    rule_id: int | None
    organisation_id: int | None  # None: of the whole panel
    severity: Severity  # of this and worse
    roles: frozenset[str] = frozenset()
    channel_ids: frozenset[int] = frozenset()
    delay: timedelta = timedelta()
    sends_reminders: bool = True
    quiet_hours: QuietHours | None = None
    causes_only: bool = False

    def covers(self, incident: "IncidentTerms") -> bool:
        """Whether somebody is told of this incident by the rule."""
        ranks = list(Severity)
        return (
            self.organisation_id in {None, incident.organisation_id}
            and ranks.index(incident.severity) <= ranks.index(self.severity)
            and (incident.cause_id is not None or not self.causes_only)
        )


@dataclass(frozen=True, slots=True)
class IncidentTerms:
    """What the decisions need to know of an incident."""

    incident_id: int
    organisation_id: int
    severity: Severity
    health_state: HealthState
    cause_id: int | None


class Target(NamedTuple):
    """Who is told: a person, by mail, or a channel that is nobody's own."""

    user_id: int | None = None
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Who there is to be told, at one moment. People who want no mail are left out."""

    # By organisation, the active members with their roles.
    members: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    platform_admin_ids: frozenset[int] = frozenset()
    # Those in use, with their organisations, None for one of the whole panel.
    channels: Mapping[int, int | None] = field(default_factory=dict)


def recipients_route(
    rules: Iterable[RuleTerms], incident: IncidentTerms, directory: Directory, *, now: datetime
) -> dict[Target, RuleTerms]:
    """Who is told of the incident, each once, by the rule that tells them soonest."""
    routes: dict[Target, RuleTerms] = {}
    for rule in rules:
        if not rule.covers(incident):
            continue
        for target in _targets(rule, directory, incident.organisation_id):
            former = routes.get(target)
            if former is None or _first_moment(rule, now) < _first_moment(former, now):
                routes[target] = rule
    return routes


def _targets(rule: RuleTerms, directory: Directory, organisation_id: int) -> set[Target]:
    targets = {
        Target(user_id=user_id)
        for user_id, role in directory.members.get(organisation_id, {}).items()
        if role in rule.roles
    }
    if PLATFORM_ADMIN_ROLE in rule.roles and rule.organisation_id is None:
        targets |= {Target(user_id=user_id) for user_id in directory.platform_admin_ids}
    return targets | {
        Target(channel_id=channel_id)
        for channel_id in rule.channel_ids & directory.channels.keys()
        # Whatever a rule names: no channel is told of an organisation that is not its owner's.
        if directory.channels[channel_id] == rule.organisation_id
    }


def _first_moment(rule: RuleTerms, now: datetime) -> datetime:
    send_at = opening_send_at(rule, now=now)
    return quiet_until([rule.quiet_hours], send_at) or send_at


def opening_send_at(rule: RuleTerms, *, now: datetime) -> datetime:
    """When an opening planned at `now` is due."""
    return now + GROUPING_WAIT + rule.delay


class Action(StrEnum):
    """What becomes of a delivery that is due."""

    SEND = "send"
    HOLD = "hold"
    DROP = "drop"


class HeldReason(StrEnum):
    """Why a delivery is held back; the value is stored and never changes its meaning."""

    MUTE = "mute"
    WINDOW = "window"
    QUIET_HOURS = "quiet_hours"
    ACKNOWLEDGED = "acknowledged"
    SECOND_CHECK = "second_check"
    RECHECK = "recheck"
    CAUSE_TOLD = "cause_told"
    CAUSE_GROWS = "cause_grows"
    CAUSE_LASTS = "cause_lasts"
    CHANNEL_OFF = "channel_off"


# Held for something that may end at any moment: decided anew with whatever is due for the channel.
LOOSELY_HELD: Final = frozenset(
    {
        HeldReason.SECOND_CHECK,
        HeldReason.CAUSE_GROWS,
        HeldReason.CAUSE_LASTS,
        HeldReason.CAUSE_TOLD,
    }
)


class Decision(NamedTuple):
    """What becomes of it; of a held one until when, and why."""

    action: Action
    until: datetime | None = None
    reason: HeldReason | None = None


SEND: Final = Decision(Action.SEND)
DROP: Final = Decision(Action.DROP)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTerms:
    """What decides about one delivery at one moment.

    `silences` are what mutes and windows hold its incident, each with its end; `confirmed` is
    whether a second check found what the first did.
    """

    kind: DeliveryKind
    channel_kind: ChannelKind
    send_at: datetime
    planned_at: datetime
    number: int = 0
    is_open: bool = True  # the incident
    is_acknowledged: bool = False
    is_confirmed: bool = True
    may_receive: bool = True  # its receiver may see the incident, and wants to be told
    is_channel_off: bool = False
    silences: Sequence[tuple[HeldReason, datetime]] = ()
    quiet_hours: Sequence[QuietHours | None] = ()


def delivery_decide(terms: DeliveryTerms, *, now: datetime) -> Decision:
    """What becomes of a delivery that is due at `now`."""
    if not terms.may_receive:
        return DROP
    if terms.kind == DeliveryKind.RESOLVED:
        return _recovery_decide(terms, now)
    if not terms.is_open or terms.is_channel_off:
        return DROP
    if terms.kind == DeliveryKind.REMINDER and terms.is_acknowledged:
        return Decision(Action.HOLD, now + reminder_gap(terms.number), HeldReason.ACKNOWLEDGED)
    if now - terms.send_at >= OVERDUE_AFTER:
        return Decision(Action.HOLD, now + RECHECK_WAIT, HeldReason.RECHECK)
    return _held(terms, now) or SEND


def _recovery_decide(terms: DeliveryTerms, now: datetime) -> Decision:
    # Mutes, windows and acknowledgements hold back no end of what was told.
    if terms.is_channel_off:
        return Decision(Action.HOLD, now + CAUSE_REPEAT_WAIT, HeldReason.CHANNEL_OFF)
    quiet_end = quiet_until(terms.quiet_hours, now)
    if quiet_end is not None and terms.channel_kind not in _MACHINE_KINDS:
        return Decision(Action.HOLD, quiet_end, HeldReason.QUIET_HOURS)
    return _unconfirmed(terms, now) or SEND


def _held(terms: DeliveryTerms, now: datetime) -> Decision | None:
    quiet_end = quiet_until(terms.quiet_hours, now)
    if quiet_end is None and not terms.silences:
        return _unconfirmed(terms, now)
    holds = [(end, reason) for reason, end in terms.silences if end > now]
    if quiet_end is not None:
        holds.append((quiet_end, HeldReason.QUIET_HOURS))
    if holds:
        end, reason = max(holds)
        return Decision(Action.HOLD, end, reason)
    return _unconfirmed(terms, now)


def _unconfirmed(terms: DeliveryTerms, now: datetime) -> Decision | None:
    if terms.is_confirmed or now - terms.planned_at >= CONFIRMATION_LIMIT:
        return None
    return Decision(Action.HOLD, now + CONFIRMATION_LOOK, HeldReason.SECOND_CHECK)


def confirmation_is_needed(state: HealthState) -> bool:
    """Whether a second check has to confirm what a first one showed of an incident in this state.

    Of a failed check alone: refusals are two by the health rule, and what is missing by the clock
    no further check makes truer.
    """
    return state == HealthState.UNKNOWN


def reminder_gap(number: int) -> timedelta:
    """How long after the message before it the reminder of this number comes; the first is 1."""
    return _REMINDER_GAPS[number - 1] if number <= len(_REMINDER_GAPS) else _LATER_REMINDER_GAP


class GroupKey(NamedTuple):
    """Deliveries that are sent at one moment with one key are one message."""

    channel_id: int
    kind: DeliveryKind
    cause_id: int | None
    incident_id: int | None  # only where each incident is a message of its own


def group_key(
    *,
    channel_id: int,
    channel_kind: ChannelKind,
    kind: DeliveryKind,
    cause_id: int | None,
    incident_id: int,
) -> GroupKey:
    """With what this delivery is told together.

    PagerDuty knows an incident by its key, so that of several incidents without a cause each is
    told by itself; a cause is one incident there.
    """
    is_alone = channel_kind == ChannelKind.PAGERDUTY and cause_id is None
    return GroupKey(channel_id, kind, cause_id, incident_id if is_alone else None)


def cause_opening_wait(
    planned_at: Collection[datetime], *, told_at: datetime | None, now: datetime
) -> Decision:
    """When openings of one cause, planned at these moments, are sent to one channel.

    `told_at` is when the channel was last told that the cause began or reached further.
    """
    if told_at is not None and now < told_at + CAUSE_REPEAT_WAIT:
        return Decision(Action.HOLD, told_at + CAUSE_REPEAT_WAIT, HeldReason.CAUSE_TOLD)
    quiet_since = max(planned_at) + GROUPING_WAIT
    until = min(quiet_since, min(planned_at) + CAUSE_OPENING_LIMIT)
    return SEND if until <= now else Decision(Action.HOLD, until, HeldReason.CAUSE_GROWS)


def cause_recovery_wait(
    planned_at: Collection[datetime], *, others_are_open: bool, is_unlimited: bool, now: datetime
) -> Decision:
    """When ends of one cause, planned at these moments, are sent to one channel.

    `others_are_open`: incidents that the channel was told of by the same cause last, or their end
    is not confirmed yet. `is_unlimited` for a channel that knows of the cause alone: its first end
    closes all.
    """
    until = min(planned_at) + CAUSE_RECOVERY_LIMIT
    if not others_are_open or (now >= until and not is_unlimited):
        return SEND
    return Decision(Action.HOLD, now + CONFIRMATION_LOOK, HeldReason.CAUSE_LASTS)

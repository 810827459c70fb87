"""What decides about planned deliveries, read for a batch of them in a few queries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef, Q

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import (
    AlertPreferences,
    AlertRule,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    Incident,
    IncidentKey,
    IncidentState,
    Message,
)
from freddy_admin.alerts.rules.decisions import (
    CHECKS_TO_CONFIRM,
    DeliveryTerms,
    HeldReason,
    confirmation_is_needed,
)
from freddy_admin.alerts.rules.quiet_hours import QuietHours
from freddy_admin.alerts.rules.selectors import rule_quiet_hours
from freddy_admin.alerts.silences.selectors import SilenceReason, silence_reasons
from freddy_admin.organisations.models import Membership
from freddy_admin.sync.health_states import HealthState
from freddy_admin.vault.models import KeyLifecycle


class ChannelCause(NamedTuple):
    """A cause as one channel was told of it."""

    channel_id: int
    cause_id: int | None


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """All that decides about a batch of deliveries, at one moment."""

    channels: dict[int, Channel]  # with `user` and its `alert_preferences`
    rules: dict[int, AlertRule]
    silences: dict[int, list[SilenceReason]]  # by incident
    confirmed_ids: frozenset[int]  # incidents of which nothing is left to be confirmed
    memberships: frozenset[tuple[int, int]]  # of user and organisation
    # By incident and channel, the cause of the message in which it was told.
    told_causes: dict[tuple[int, int], int | None]
    told_at: dict[ChannelCause, datetime]  # when the channel was last told of the cause
    open_causes: frozenset[ChannelCause]  # with incidents that were told there and are not over

    def terms(self, row: Delivery) -> DeliveryTerms:
        """What decides about this delivery."""
        channel, incident = self.channels[row.channel_id], row.incident
        return DeliveryTerms(
            kind=DeliveryKind(row.kind),
            channel_kind=ChannelKind(channel.kind),
            send_at=row.send_at or row.created_at,
            planned_at=row.created_at,
            number=row.number,
            is_open=incident.state != IncidentState.RESOLVED,
            is_acknowledged=incident.state == IncidentState.ACKNOWLEDGED,
            is_confirmed=row.incident_id in self.confirmed_ids,
            may_receive=self._may_receive(row, channel),
            is_channel_off=channel.disabled_at is not None,
            silences=[
                (HeldReason(silence.kind), silence.until)
                for silence in self.silences.get(row.incident_id, ())
            ],
            quiet_hours=self._quiet_hours(row, channel),
        )

    def cause_id(self, row: Delivery) -> int | None:
        """The cause by which it is told: an end, and a reminder, by the one of its opening."""
        if row.kind == DeliveryKind.OPENED:
            return row.incident.cause_id
        return self.told_causes.get((row.incident_id, row.channel_id))

    def sends_reminders(self, row: Delivery) -> bool:
        """Whether the rule that it follows from reminds; one that is off or gone does not."""
        if row.rule_id is None:
            return True
        rule = self.rules.get(row.rule_id)
        return rule is not None and rule.enabled and rule.sends_reminders

    def _may_receive(self, row: Delivery, channel: Channel) -> bool:
        if channel.deleted_at is not None:
            return False
        if row.kind == DeliveryKind.REMINDER and not self.sends_reminders(row):
            return False
        user, organisation_id = channel.user, row.incident.organisation_id
        if user is None:
            return channel.organisation_id in {None, organisation_id}
        preferences = _preferences(user)
        return (
            user.is_active
            and (preferences is None or preferences.gets_mail)
            and (user.is_platform_admin or (user.pk, organisation_id) in self.memberships)
        )

    def _quiet_hours(self, row: Delivery, channel: Channel) -> list[QuietHours | None]:
        rule = self.rules.get(row.rule_id or 0)
        return [
            None if rule is None else rule_quiet_hours(rule),
            None if channel.user is None else person_quiet_hours(channel.user),
        ]


def person_quiet_hours(user: User) -> QuietHours | None:
    """The person's own quiet hours, in their zone; None where they chose none."""
    preferences = _preferences(user)
    if preferences is None or preferences.quiet_from is None or preferences.quiet_until is None:
        return None
    return QuietHours(preferences.quiet_from, preferences.quiet_until, user.time_zone)


def delivery_facts_get(
    *, rows: Sequence[Delivery], channels: dict[int, Channel], now: datetime
) -> DeliveryFacts:
    """What decides about these deliveries, which have their `incident`; at most nine queries."""
    incidents = {row.incident_id: row.incident for row in rows}
    silenceable = {row.incident_id: row.incident for row in rows if _is_silenceable(row)}
    user_ids = {channel.user_id for channel in channels.values() if channel.user_id is not None}
    told_causes = _told_causes([row for row in rows if row.kind != DeliveryKind.OPENED])
    cause_ids = {row.incident.cause_id for row in rows} | set(told_causes.values())
    cause_ids.discard(None)
    return DeliveryFacts(
        channels=channels,
        rules=AlertRule.objects.in_bulk({row.rule_id for row in rows if row.rule_id is not None}),
        silences=silence_reasons(incidents=list(silenceable.values()), now=now)
        if silenceable
        else {},
        confirmed_ids=frozenset(incidents) - _unconfirmed_ids(list(incidents.values())),
        memberships=_memberships(user_ids, incidents.values()),
        told_causes=told_causes,
        told_at=_told_at(channels, cause_ids),
        open_causes=_open_causes(channels, cause_ids),
    )


def _is_silenceable(row: Delivery) -> bool:
    return row.kind != DeliveryKind.RESOLVED and row.incident.state != IncidentState.RESOLVED


def _preferences(user: User) -> AlertPreferences | None:
    # The row is joined; a person without one has the attribute in no form.
    return getattr(user, "alert_preferences", None)


def _memberships(
    user_ids: Collection[int], incidents: Collection[Incident]
) -> frozenset[tuple[int, int]]:
    if not user_ids:
        return frozenset()
    rows = Membership.objects.filter(
        user__in=user_ids, organisation__in={incident.organisation_id for incident in incidents}
    )
    return frozenset(rows.values_list("user", "organisation"))


def _unconfirmed_ids(incidents: Sequence[Incident]) -> frozenset[int]:
    """Those of the incidents that a single check has shown to begin, or to be over.

    What the clock says of good figures, and what a person or the key itself ends, needs no second
    check.
    """
    doubtful = [i for i in incidents if confirmation_is_needed(HealthState(i.health_state))]
    if not doubtful:
        return frozenset()
    begun = [i for i in doubtful if i.state != IncidentState.RESOLVED]
    ended = [i for i in doubtful if i.state == IncidentState.RESOLVED]
    open_keys = IncidentKey.objects.filter(incident__in=begun, ended_at=None)
    confirmed = open_keys.filter(
        Q(key__sync_status__failures__gte=CHECKS_TO_CONFIRM)
        | Q(key__sync_status__master_key_misfit_since__isnull=False)
        | Q(key__sync_status__checked_at__gt=F("incident__noticed_at"))
    )
    unconfirmed = {i.pk for i in begun} - set(confirmed.values_list("incident", flat=True))
    failing_again = IncidentKey.objects.filter(key=OuterRef("key"), ended_at=None)
    once_good = IncidentKey.objects.filter(
        ~Exists(failing_again),
        incident__in=ended,
        key__status=KeyLifecycle.ACTIVE,
        key__paused_at=None,
        key__sync_status__observed_at__lte=F("incident__resolution_noticed_at"),
    )
    return frozenset(unconfirmed | set(once_good.values_list("incident", flat=True)))


def _told_causes(rows: Sequence[Delivery]) -> dict[tuple[int, int], int | None]:
    if not rows:
        return {}
    openings = Delivery.objects.filter(
        kind=DeliveryKind.OPENED,
        message__isnull=False,
        incident__in={row.incident_id for row in rows},
        channel__in={row.channel_id for row in rows},
    )
    values = openings.values_list("incident", "channel", "message__cause")
    return {(incident, channel): cause for incident, channel, cause in values}


def _told_at(
    channels: Collection[int], cause_ids: Collection[int | None]
) -> dict[ChannelCause, datetime]:
    if not cause_ids:
        return {}
    messages = Message.objects.filter(
        kind=DeliveryKind.OPENED, channel__in=list(channels), cause__in=cause_ids
    ).order_by("created_at")
    values = messages.values_list("channel", "cause", "created_at")
    return {ChannelCause(channel, cause): at for channel, cause, at in values}


def _open_causes(
    channels: Collection[int], cause_ids: Collection[int | None]
) -> frozenset[ChannelCause]:
    if not cause_ids:
        return frozenset()
    openings = Delivery.objects.filter(
        kind=DeliveryKind.OPENED, channel__in=list(channels), message__cause__in=cause_ids
    ).exclude(incident__state=IncidentState.RESOLVED)
    pairs = openings.values_list("channel", "message__cause").distinct()
    return frozenset(ChannelCause(channel, cause) for channel, cause in pairs)

"""Which of PagerDuty's alerts a message is about: one an incident, or one for a told cause.

An alert is opened and closed by its key, and a key that is shared closes what is still open. So
the key is the incident's id; where one message told of several incidents of a cause, which is one
alert for whoever is called at night, it is the cause's id, and closed with the last of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, QuerySet

from freddy_admin.alerts.models import ChannelKind, Delivery, DeliveryKind, Message


@dataclass(frozen=True, slots=True)
class PagerDutyAlert:
    """One of PagerDuty's alerts, with the message's incidents that it stands for.

    `open_count` is how many other incidents of it the channel was told of and not yet of their end.
    """

    key: UUID
    incident_uids: frozenset[UUID]
    is_of_cause: bool = False
    open_count: int = 0


def pagerduty_alerts(
    message: Message, deliveries: Sequence[Delivery]
) -> tuple[PagerDutyAlert, ...]:
    """The alerts that these deliveries of a message concern; none for a channel of another kind."""
    if message.channel.kind != ChannelKind.PAGERDUTY:
        return ()
    incident_uids = {delivery.incident_id: delivery.incident.uid for delivery in deliveries}
    causes = dict(
        _openings_of_causes(message)
        .filter(incident__in=list(incident_uids))
        .values_list("incident", "message__cause__uid")
    )
    alerts = [
        PagerDutyAlert(uid, frozenset({uid}))
        for pk, uid in incident_uids.items()
        if pk not in causes
    ]
    uids_by_cause = defaultdict[UUID, set[UUID]](set)
    for pk, cause_uid in causes.items():
        uids_by_cause[cause_uid].add(incident_uids[pk])
    alerts += [
        PagerDutyAlert(
            cause_uid,
            frozenset(uids),
            is_of_cause=True,
            open_count=_open_count(message, cause_uid, uids),
        )
        for cause_uid, uids in uids_by_cause.items()
    ]
    return tuple(alerts)


def _openings_of_causes(message: Message) -> QuerySet[Delivery]:
    """Openings that a message about several incidents of a cause carried to this channel."""
    several = (
        Delivery.objects.filter(message__channel=message.channel_id)
        .values("message")
        .annotate(count=Count("pk"))
        .filter(count__gt=1)
    )
    return Delivery.objects.filter(
        channel=message.channel_id,
        kind=DeliveryKind.OPENED,
        message__in=several.values("message"),
        message__cause__isnull=False,
        message__pk__lte=message.pk,
    )


def _open_count(message: Message, cause_uid: UUID, uids: set[UUID]) -> int:
    ended = Delivery.objects.filter(
        channel=message.channel_id,
        kind=DeliveryKind.RESOLVED,
        message__pk__lte=message.pk,
    )
    openings = _openings_of_causes(message).filter(message__cause__uid=cause_uid)
    others = openings.exclude(incident__uid__in=uids).exclude(incident__in=ended.values("incident"))
    return others.values(pk_of=F("incident")).distinct().count()

"""Which of PagerDuty's alerts a message is about: one an incident, or one for a told cause.

An alert is opened and closed by its key, and a key that is shared closes what is still open. So
the key is the incident's id; where one message told of several incidents of a cause, which is one
alert for whoever is called at night, it is the cause's id, and closed with the last of them.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

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
    cause_uids = _cause_uids_by_opening(message, incident_uids)
    openings = Delivery.objects.filter(kind=DeliveryKind.OPENED, message__in=list(cause_uids))
    told_together = openings.filter(incident__in=list(incident_uids))
    causes = {
        incident_id: cause_uids[message_id]
        for incident_id, message_id in told_together.values_list("incident", "message_id")
        if message_id is not None
    }
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
            open_count=_open_count(message, openings.filter(message__cause__uid=cause_uid), uids),
        )
        for cause_uid, uids in uids_by_cause.items()
    ]
    return tuple(alerts)


def _cause_uids_by_opening(message: Message, incident_ids: Collection[int]) -> dict[int, UUID]:
    """The openings that opened an alert for the cause of one of these incidents, by their ids.

    By what was sent, and not by the incidents that are there still: those of an organisation that
    was removed are gone.
    """
    causes = Delivery.objects.filter(
        channel=message.channel_id,
        kind=DeliveryKind.OPENED,
        incident__in=list(incident_ids),
        message__cause__isnull=False,
    ).values("message__cause")
    openings = Message.objects.filter(
        channel=message.channel_id,
        kind=DeliveryKind.OPENED,
        cause__in=causes,
        pk__lte=message.pk,
    )
    return {
        pk: cause_uid
        for pk, cause_uid, body in openings.values_list("pk", "cause__uid", "body")
        if (len(incident_ids) > 1 if pk == message.pk else _opened_alert(body, cause_uid))
    }


def _opened_alert(body: dict[str, Any] | None, key: UUID) -> bool:
    events = body["events"] if body else ()
    return any(event["dedup_key"] == str(key) for event in events)


def _open_count(message: Message, openings: QuerySet[Delivery], uids: set[UUID]) -> int:
    ended = Delivery.objects.filter(
        channel=message.channel_id,
        kind=DeliveryKind.RESOLVED,
        message__pk__lte=message.pk,
    )
    others = openings.exclude(incident__uid__in=uids).exclude(incident__in=ended.values("incident"))
    return others.values("incident").distinct().count()

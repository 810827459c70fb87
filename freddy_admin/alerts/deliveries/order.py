"""In which order a channel is told, and what it need not be told any more.

Messages of a channel that have nothing in common may overtake each other, so that one that fails
holds up no other. Of one incident the opening comes first, then reminders, then the end.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from freddy_admin.alerts.models import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    IncidentKey,
    IncidentState,
    Message,
)
from freddy_admin.core.outbox import NothingToSend

FINISHED_STATES: Final = (DeliveryState.SENT, DeliveryState.GIVEN_UP, DeliveryState.DROPPED)
# Of what its receiver knows, or may know.
TOLD_STATES: Final = (DeliveryState.SENT, DeliveryState.MAY_HAVE_ARRIVED, DeliveryState.SENDING)
# An opening whose first attempt comes so late, for no worker ran, is of what was.
OLD_NEWS_AFTER: Final = timedelta(hours=1)


def messages_unfinished() -> QuerySet[Message]:
    """The messages that are neither sent nor given up nor dropped."""
    return Message.objects.exclude(state__in=FINISHED_STATES)


def message_predecessors_unfinished(message: Message) -> QuerySet[Message]:
    """What the channel has to be told before: of the same incidents, and earlier of their keys."""
    earlier = messages_unfinished().filter(channel=message.channel_id, pk__lt=message.pk)
    if message.is_test:
        return earlier.filter(is_test=True)
    incidents = message.deliveries.values("incident")
    is_related = Q(deliveries__incident__in=incidents)
    if message.kind == DeliveryKind.OPENED:
        # A key that fails again: first that it was well, or the end would seem to be of this one.
        keys = IncidentKey.objects.filter(incident__in=incidents).values("key")
        is_related |= Q(deliveries__incident__keys__key__in=keys)
    return earlier.filter(is_related)


def untold_deliveries_drop(message: Message, *, now: datetime) -> None:
    """Before its first attempt, take out of a message what its receiver need not be told any more.

    Raises NothingToSend where nothing is left.
    """
    if message.is_test:
        return
    needless = _needless_deliveries(message, now)
    needless_ids = list(needless.values_list("pk", flat=True))
    if not needless_ids:
        return
    if not message.deliveries.exclude(pk__in=needless_ids).exists():
        raise NothingToSend
    Delivery.objects.filter(pk__in=needless_ids).update(
        message=None, state=DeliveryState.DROPPED, finished_at=now, send_at=None
    )


def _needless_deliveries(message: Message, now: datetime) -> QuerySet[Delivery]:
    deliveries = message.deliveries.all()
    if message.kind == DeliveryKind.RESOLVED:
        was_reminded = Exists(_reminders_that_may_have_arrived())
        return deliveries.filter(~was_reminded, Exists(_openings_that_never_arrived()))
    if message.kind == DeliveryKind.REMINDER:
        return deliveries.exclude(incident__state=IncidentState.OPEN)
    if now - message.created_at < OLD_NEWS_AFTER:
        return deliveries.none()
    return deliveries.filter(incident__state=IncidentState.RESOLVED)


def _openings_that_never_arrived() -> QuerySet[Delivery]:
    """Openings that a channel was not told of, for certain: their end would come from nowhere."""
    is_unsent = Q(state=DeliveryState.DROPPED) | Q(
        state=DeliveryState.GIVEN_UP, message__may_have_arrived=False
    )
    return _told_alike(DeliveryKind.OPENED).filter(is_unsent)


def _reminders_that_may_have_arrived() -> QuerySet[Delivery]:
    """Reminders by which a channel learned what its opening, given up before, did not tell it."""
    has_arrived = Q(state__in=TOLD_STATES) | Q(message__may_have_arrived=True)
    return _told_alike(DeliveryKind.REMINDER).filter(has_arrived)


def _told_alike(kind: DeliveryKind) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        kind=kind, incident=OuterRef("incident"), channel=OuterRef("channel")
    )

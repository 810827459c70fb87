"""What is told of the incidents of an organisation that is removed: that they are over.

Its rows go with it, deliveries too. So what others than its own channels are told is written, and
frozen, before: an alarm that was opened elsewhere does not stay open for ever.
"""

from collections import defaultdict
from datetime import datetime

from freddy_admin.alerts.channels.transports import channel_transport
from freddy_admin.alerts.deliveries.order import TOLD_STATES, messages_unfinished
from freddy_admin.alerts.deliveries.outbox_lanes import message_enqueue
from freddy_admin.alerts.deliveries.planning import recoveries_plan
from freddy_admin.alerts.incidents.causes import causes_close_without_incidents
from freddy_admin.alerts.incidents.locks import incidents_lock
from freddy_admin.alerts.messages.content import message_content
from freddy_admin.alerts.models import (
    Cause,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    IncidentKey,
    IncidentState,
    Message,
)
from freddy_admin.alerts.rules.decisions import GroupKey, group_key
from freddy_admin.core.outbox import NothingToSend
from freddy_admin.organisations.models import Organisation


def incidents_end_with_organisation(*, organisation: Organisation, now: datetime) -> int:
    """End its open incidents, and tell so whoever was told of them; returns how many ended.

    Call it in the transaction that deletes the organisation, before that. Openings that were not
    sent yet are dropped.
    """
    incidents_lock({organisation.pk})
    unresolved = Incident.objects.filter(organisation=organisation).exclude(
        state=IncidentState.RESOLVED
    )
    incidents = list(unresolved.select_for_update(no_key=True).order_by("pk"))
    if not incidents:
        return 0
    ids = [incident.pk for incident in incidents]
    IncidentKey.objects.filter(incident__in=ids, ended_at=None).update(ended_at=now)
    Incident.objects.filter(pk__in=ids).update(
        state=IncidentState.RESOLVED, resolved_at=now, resolution_noticed_at=now
    )
    cause_ids = {incident.cause_id for incident in incidents if incident.cause_id}
    causes_close_without_incidents(cause_ids=cause_ids, now=now)
    _unsent_messages_drop(organisation, now)
    recoveries_plan(incidents=incidents, now=now)
    _recoveries_freeze(organisation, ids, now)
    return len(incidents)


def _unsent_messages_drop(organisation: Organisation, now: datetime) -> None:
    """Messages of its incidents alone that nobody got yet: they would have nothing to tell."""
    of_others = Delivery.objects.exclude(incident__organisation=organisation)
    unsent = messages_unfinished().exclude(state__in=TOLD_STATES).filter(may_have_arrived=False)
    mine = unsent.filter(deliveries__incident__organisation=organisation).exclude(
        deliveries__in=of_others
    )
    ids = list(mine.distinct().values_list("pk", flat=True))
    Delivery.objects.filter(message__in=ids).update(message=None, send_at=None)
    Message.objects.filter(pk__in=ids).update(state=DeliveryState.DROPPED, finished_at=now)


def _recoveries_freeze(organisation: Organisation, incident_ids: list[int], now: datetime) -> None:
    planned = Delivery.objects.filter(
        incident__in=incident_ids, kind=DeliveryKind.RESOLVED, message=None, send_at__isnull=False
    ).exclude(channel__organisation=organisation)
    open_cause_ids = set(Cause.objects.filter(resolved_at=None).values_list("pk", flat=True))
    groups = defaultdict[GroupKey, list[Delivery]](list)
    channels = dict[int, Channel]()
    for row in planned.select_related("incident", "channel__user", "channel__organisation"):
        cause_id = row.incident.cause_id
        key = group_key(
            channel_id=row.channel_id,
            channel_kind=ChannelKind(row.channel.kind),
            kind=DeliveryKind.RESOLVED,
            # A cause that others still share is not over.
            cause_id=None if cause_id in open_cause_ids else cause_id,
            incident_id=row.incident_id,
        )
        groups[key].append(row)
        channels[row.channel_id] = row.channel
    for key, rows in groups.items():
        _recovery_freeze(key, rows, channels[key.channel_id], now)


def _recovery_freeze(key: GroupKey, rows: list[Delivery], channel: Channel, now: datetime) -> None:
    message = Message.objects.create(
        channel=channel, cause_id=key.cause_id, kind=DeliveryKind.RESOLVED, created_at=now
    )
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(message=message)
    try:
        message.body = channel_transport(channel).render(message_content(message), channel=channel)
    except NothingToSend:
        message.delete()
        return
    message.save(update_fields=["body"])
    message_enqueue(message=message)

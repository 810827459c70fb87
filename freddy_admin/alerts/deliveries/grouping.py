"""The drain of planned deliveries: what is due becomes messages, or is held back, or dropped.

A message is written together with its row in the outbox. What is due is decided under two locks:
of the channel, so that one message tells what belongs together, however many workers there are;
and of the deliveries, see `planning`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from freddy_admin.alerts.deliveries.delivery_facts import (
    ChannelCause,
    DeliveryFacts,
    delivery_facts_get,
)
from freddy_admin.alerts.deliveries.outbox_lanes import message_enqueue
from freddy_admin.alerts.deliveries.planning import causes_link_and_plan
from freddy_admin.alerts.deliveries.reminders import reminders_plan
from freddy_admin.alerts.models import (
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Message,
)
from freddy_admin.alerts.rules.decisions import (
    GROUPING_WAIT,
    LOOSELY_HELD,
    Action,
    Decision,
    GroupKey,
    HeldReason,
    cause_opening_wait,
    cause_recovery_wait,
    delivery_decide,
    group_key,
)
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.core.tasks import Moment

# Rows of one transaction, and what one channel is told at once; the rest follows.
BATCH_LIMIT: Final = 1000
CHANNEL_LIMIT: Final = 5000
_WRITE_BATCH: Final = 500


@dataclass
class _Outcome:
    """What becomes of a batch of deliveries."""

    groups: dict[GroupKey, list[Delivery]] = field(
        default_factory=lambda: defaultdict[GroupKey, list[Delivery]](list)
    )
    held: dict[Decision, list[Delivery]] = field(
        default_factory=lambda: defaultdict[Decision, list[Delivery]](list)
    )
    dropped: list[Delivery] = field(default_factory=list)
    # Causes of which an end is not confirmed yet.
    unconfirmed_causes: set[ChannelCause] = field(default_factory=set)


def deliveries_due(now: Moment) -> QuerySet[Delivery]:
    """Planned deliveries about which something is to be decided."""
    return Delivery.objects.filter(send_at__lte=now)


def deliveries_group(*, now: datetime) -> int:
    """Decide about deliveries that are due; returns about how many, 0 where none is left.

    Takes some channels at a time; call it again until it returns 0. May run in any number of
    processes. With nothing due it is one statement, and while the database may be a copy nothing
    is decided.
    """
    counts = deliveries_due(now=now).order_by().values("channel").annotate(count=Count("pk"))
    channel_ids, row_count = list[int](), 0
    for row in counts.order_by("channel")[:BATCH_LIMIT]:
        if channel_ids and row_count + row["count"] > BATCH_LIMIT:
            break
        channel_ids.append(row["channel"])
        row_count += row["count"]
    if not channel_ids or panel_copied_from():
        return 0
    causes_link_and_plan(now=now)
    return _channels_group(channel_ids, now)


@transaction.atomic
def _channels_group(channel_ids: list[int], now: datetime) -> int:
    channels = Channel.objects.select_related("user__alert_preferences").order_by("pk")
    locked = channels.select_for_update(no_key=True, skip_locked=True, of=("self",))
    # Locked by another worker: it tells what is due for that channel.
    channels_by_id = {channel.pk: channel for channel in locked.filter(pk__in=channel_ids)}
    is_soon = Q(state=DeliveryState.WAITING, send_at__lte=now + GROUPING_WAIT)
    is_loosely_held = Q(state=DeliveryState.HELD, held_reason__in=LOOSELY_HELD)
    planned = Delivery.objects.filter(
        Q(send_at__lte=now) | is_soon | is_loosely_held,
        send_at__isnull=False,
        channel__in=channels_by_id,
    )
    planned = planned.select_for_update(no_key=True, skip_locked=True, of=("self",))
    rows = list(planned.select_related("incident").order_by("send_at", "pk")[:CHANNEL_LIMIT])
    if not rows:
        return 0
    facts = delivery_facts_get(rows=rows, channels=channels_by_id, now=now)
    outcome = _decide(rows, facts, now)
    _groups_wait(outcome, facts, now)
    _held_write(outcome.held)
    _dropped_write(outcome.dropped, now)
    messages = _messages_create(outcome.groups, facts, now)
    reminders_plan(messages=messages, facts=facts, now=now)
    return sum(_is_due(row, now) for row in rows)


def _decide(rows: Sequence[Delivery], facts: DeliveryFacts, now: datetime) -> _Outcome:
    outcome = _Outcome()
    for row in rows:
        decision = delivery_decide(facts.terms(row), now=now)
        key = _group_key(row, facts)
        if decision.action == Action.SEND:
            outcome.groups[key].append(row)
        elif decision.action == Action.DROP:
            outcome.dropped.append(row)
        elif _is_due(row, now):
            outcome.held[decision].append(row)
        if decision.reason == HeldReason.SECOND_CHECK and row.kind == DeliveryKind.RESOLVED:
            outcome.unconfirmed_causes.add(ChannelCause(row.channel_id, key.cause_id))
    return outcome


def _groups_wait(outcome: _Outcome, facts: DeliveryFacts, now: datetime) -> None:
    """Take those groups out that are not to be sent yet."""
    for key, rows in list(outcome.groups.items()):
        if not any(_is_due(row, now) for row in rows):
            del outcome.groups[key]
            continue
        decision = _cause_wait(key, rows, outcome, facts, now)
        if decision.action == Action.HOLD:
            del outcome.groups[key]
            outcome.held[decision] += rows


def _cause_wait(
    key: GroupKey,
    rows: Sequence[Delivery],
    outcome: _Outcome,
    facts: DeliveryFacts,
    now: datetime,
) -> Decision:
    if key.cause_id is None or key.kind == DeliveryKind.REMINDER:
        return Decision(Action.SEND)
    planned_at = [row.created_at for row in rows]
    channel_cause = ChannelCause(key.channel_id, key.cause_id)
    if key.kind == DeliveryKind.OPENED:
        return cause_opening_wait(planned_at, told_at=facts.told_at.get(channel_cause), now=now)
    return cause_recovery_wait(
        planned_at,
        others_are_open=channel_cause in facts.open_causes | outcome.unconfirmed_causes,
        is_unlimited=facts.channels[key.channel_id].kind == ChannelKind.PAGERDUTY,
        now=now,
    )


def _group_key(row: Delivery, facts: DeliveryFacts) -> GroupKey:
    return group_key(
        channel_id=row.channel_id,
        channel_kind=ChannelKind(facts.channels[row.channel_id].kind),
        kind=DeliveryKind(row.kind),
        cause_id=facts.cause_id(row),
        incident_id=row.incident_id,
    )


def _is_due(row: Delivery, now: datetime) -> bool:
    return row.send_at is not None and row.send_at <= now


def _held_write(held: dict[Decision, list[Delivery]]) -> None:
    for decision, rows in held.items():
        _update(rows, state=DeliveryState.HELD, held_reason=decision.reason, send_at=decision.until)


def _dropped_write(rows: list[Delivery], now: datetime) -> None:
    _update(rows, state=DeliveryState.DROPPED, held_reason="", send_at=None, finished_at=now)


def _messages_create(
    groups: dict[GroupKey, list[Delivery]], facts: DeliveryFacts, now: datetime
) -> list[tuple[Message, list[Delivery]]]:
    # An end comes after the opening that was written before it.
    kinds = list(DeliveryKind)
    keys = sorted(groups, key=lambda key: (key.channel_id, kinds.index(key.kind)))
    messages = Message.objects.bulk_create(
        [
            Message(
                channel=facts.channels[key.channel_id],
                cause_id=key.cause_id,
                kind=key.kind,
                created_at=now,
            )
            for key in keys
        ],
        batch_size=_WRITE_BATCH,
    )
    carried = [(message, groups[key]) for message, key in zip(messages, keys, strict=True)]
    for message, rows in carried:
        _update(rows, state=DeliveryState.QUEUED, held_reason="", send_at=None, message=message)
        message_enqueue(message=message)
    return carried


def _update(rows: Sequence[Delivery], **values: object) -> None:
    for start in range(0, len(rows), _WRITE_BATCH):
        ids = [row.pk for row in rows[start : start + _WRITE_BATCH]]
        Delivery.objects.filter(pk__in=ids).update(**values)

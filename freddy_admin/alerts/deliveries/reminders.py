"""Reminders: of each incident and channel the next one alone is planned, once one was told."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from freddy_admin.alerts.deliveries.delivery_facts import DeliveryFacts
from freddy_admin.alerts.models import Delivery, DeliveryKind, Message
from freddy_admin.alerts.rules.decisions import reminder_gap

_BATCH_SIZE = 500


def reminders_plan(
    *, messages: Sequence[tuple[Message, list[Delivery]]], facts: DeliveryFacts, now: datetime
) -> None:
    """Plan the next reminder of each delivery in these new messages.

    It is decided when it is due whether it is sent: an end drops it, an acknowledgement passes it
    over, and one that our own absence delayed stands for all that would have come.
    """
    Delivery.objects.bulk_create(
        _next_reminders(messages, facts, now), batch_size=_BATCH_SIZE, ignore_conflicts=True
    )


def _next_reminders(
    messages: Sequence[tuple[Message, list[Delivery]]], facts: DeliveryFacts, now: datetime
) -> Iterator[Delivery]:
    for message, rows in messages:
        if message.kind == DeliveryKind.RESOLVED:
            continue
        for row in rows:
            if facts.sends_reminders(row):
                number = row.number + 1
                yield Delivery(
                    incident_id=row.incident_id,
                    channel_id=row.channel_id,
                    kind=DeliveryKind.REMINDER,
                    number=number,
                    send_at=now + reminder_gap(number),
                    created_at=now,
                    rule_id=row.rule_id,
                )

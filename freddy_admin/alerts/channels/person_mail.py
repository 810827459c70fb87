"""A person's own mail channel on their page: how it is, and switched on again."""

from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Channel, Message
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag

LATEST_COUNT = 10


def person_channel_find(*, user: User) -> Channel | None:
    """The person's channel; None where they were never told of anything."""
    return Channel.objects.filter(user=user, deleted_at=None).first()


def person_messages_latest(*, channel: Channel | None) -> list[Message]:
    """What the channel was sent last, tests included; one query, none without a channel."""
    if channel is None:
        return []
    return list(channel.messages.order_by("-created_at", "-pk")[:LATEST_COUNT])


@transaction.atomic
def person_channel_enable(*, actor: Actor, user: User) -> None:
    """Send mails to the person's address again, after its mail server had refused it for good."""
    rows = Channel.objects.filter(user=user).exclude(disabled_at=None)
    values = {"disabled_at": None, "disabled_by": "", "disabled_reason": "", "failing_since": None}
    if rows.update(**values):
        audit_event_record(tag=AuditTag.PERSON_CHANGED, actor=actor, subject=user.email)

"""Deliveries: who is told of what; and the messages that carry them."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from freddy_admin.alerts.models.channels import Channel
from freddy_admin.alerts.models.incidents import Cause, Incident


class DeliveryKind(models.TextChoices):
    """What is told."""

    OPENED = "opened", _("opened")
    REMINDER = "reminder", _("reminder")
    RESOLVED = "resolved", _("resolved")


class DeliveryState(models.TextChoices):
    """How far a delivery is; the value is stored and never changes its meaning."""

    WAITING = "waiting", _("planned")
    HELD = "held", _("held back")
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed, tried again")
    MAY_HAVE_ARRIVED = "may_have_arrived", _("may have arrived, sent again")
    GIVEN_UP = "given_up", _("given up")
    DROPPED = "dropped", _("not needed any more")


class Message(models.Model):
    """One message to one channel: one delivery, or all that came within a minute for one reason.

    Its id and body are those of the first attempt: a retry repeats both.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="messages")
    cause = models.ForeignKey(Cause, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=DeliveryKind.choices)
    is_test = models.BooleanField(default=False)  # about a pretend incident, see `test_steps`
    # The pretend incident's uid: that of the opening and of the end are one and the same.
    test_incident_uid = models.UUIDField(null=True)
    state = models.CharField(
        max_length=18, choices=DeliveryState.choices, default=DeliveryState.QUEUED
    )
    body = models.JSONField(null=True)  # as the channel's kind sends it; None before an attempt
    created_at = models.DateTimeField()
    sending_since = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    # Of an attempt nobody knows whether it arrived: its worker was lost, or no answer came.
    may_have_arrived = models.BooleanField(default=False)
    repeats = models.PositiveIntegerField(default=0)  # attempts after such a one
    finished_at = models.DateTimeField(null=True)  # sent, or given up
    answer = models.CharField(max_length=200, blank=True)  # what the other side said, plain text
    answer_status = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=40, blank=True)  # of the latest failure

    class Meta:
        indexes = [
            models.Index(fields=["channel", "-created_at"], name="message_by_channel"),
            models.Index(fields=["-created_at"], name="message_log"),
            models.Index(
                fields=["channel"],
                condition=~Q(state__in=["sent", "given_up", "dropped"]),
                name="message_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to channel {self.channel_id}: {self.state}"


class Delivery(models.Model):
    """One incident told to one channel, written in the transaction of the change.

    While it waits, what else comes for the channel joins it; then a message carries it.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    message = models.ForeignKey(
        Message, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    kind = models.CharField(max_length=10, choices=DeliveryKind.choices)
    number = models.PositiveIntegerField(default=0)  # of the reminder
    state = models.CharField(
        max_length=18, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    held_reason = models.CharField(max_length=20, blank=True)  # "mute", "window", "quiet_hours"
    send_at = models.DateTimeField(null=True)  # None once a message carries it, or none will
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # The rule's id that it follows from; None for the default rule, and for ends.
    rule_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["send_at"], condition=Q(send_at__isnull=False), name="delivery_due"
            ),
            models.Index(
                fields=["channel"], condition=Q(send_at__isnull=False), name="delivery_planned"
            ),
            models.Index(fields=["channel", "-created_at"], name="delivery_by_channel"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "channel", "kind", "number"], name="told_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of incident {self.incident_id} to channel {self.channel_id}"


class SenderHeartbeat(models.Model):
    """When any worker last looked after the deliveries, see `deliveries.absence`; one row."""

    seen_at = models.DateTimeField()
    # What tells this database from one that was restored from a backup of it.
    database_id = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return f"seen at {self.seen_at:%Y-%m-%d %H:%M:%S}"

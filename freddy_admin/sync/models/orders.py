"""What people asked the worker to do at Aitronos: sent once at most, whatever happens."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from freddy_admin.core.models import TenantOwned


class OrderKind(models.TextChoices):
    """What is to be done."""

    SYNC = "sync", _("start a sync")
    SWITCH = "switch", _("switch a connector")


class OrderState(models.TextChoices):
    """How far an order came. It only moves forwards; nothing leads back to `QUEUED`."""

    QUEUED = "queued", _("waiting for the worker")
    SENDING = "sending", _("sent, no answer yet")
    DONE = "done", _("done")
    REFUSED = "refused", _("not done")
    UNCLEAR = "unclear", _("not known whether it was done")


UNFINISHED = (OrderState.QUEUED, OrderState.SENDING)


class OrderBatch(models.Model):
    """Several orders given at once; its address is a secret of nobody, what it shows is gated."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254)

    def __str__(self) -> str:
        return str(self.id)


class Order(TenantOwned):
    """One POST or PATCH that a person asked for, and what became of it."""

    key = models.ForeignKey("vault.ApiKey", on_delete=models.CASCADE, related_name="+")
    key_version = models.PositiveIntegerField()
    batch = models.ForeignKey(
        OrderBatch, on_delete=models.CASCADE, null=True, related_name="orders"
    )
    kind = models.CharField(max_length=10, choices=OrderKind.choices)
    state = models.CharField(max_length=10, choices=OrderState.choices, default=OrderState.QUEUED)
    full = models.BooleanField(default=False)  # of a sync: everything anew
    tool_key = models.CharField(max_length=128, blank=True)  # of a switch
    tool_name = models.CharField(max_length=120, blank=True)
    enable = models.BooleanField(default=False)
    requested_at = models.DateTimeField()
    requested_by = models.CharField(max_length=254)
    requested_by_id = models.BigIntegerField(null=True)

    # While it is being sent: after `lease_until` nobody waits for the answer any more.
    sent_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.CharField(max_length=32, blank=True)

    finished_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)  # the answer's figures
    error_kind = models.CharField(max_length=40, blank=True)
    error_code = models.CharField(max_length=128, blank=True)
    error_http_status = models.PositiveSmallIntegerField(null=True)
    error_message = models.CharField(max_length=300, blank=True)
    trace_id = models.CharField(max_length=128, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    # Of a sync: the `last_sync_at` that passed the request, once it was seen.
    confirmed_sync_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["key", "-requested_at"], name="order_by_key"),
            models.Index(
                fields=["requested_at"],
                name="order_unfinished",
                condition=Q(state__in=UNFINISHED),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="one_sync_at_a_time",
                condition=Q(kind=OrderKind.SYNC, state__in=UNFINISHED),
            ),
            models.UniqueConstraint(
                fields=["key", "tool_key"],
                name="one_switch_at_a_time",
                condition=Q(kind=OrderKind.SWITCH, state__in=UNFINISHED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.key_id}: {self.state}"

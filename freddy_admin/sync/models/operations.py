"""Remote operations that people request at Aitronos: sent once at most, whatever happens."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from freddy_admin.core.models import TenantOwned


class OperationKind(models.TextChoices):
    """What a remote operation does."""

    SYNC = "sync", _("start a sync")
    SWITCH = "switch", _("switch a connector")


class OperationState(models.TextChoices):
    """How far an operation came. It only moves forwards; nothing leads back to `QUEUED`."""

    QUEUED = "queued", _("waiting for the worker")
    SENDING = "sending", _("sent, no answer yet")
    DONE = "done", _("done")
    REFUSED = "refused", _("not done")
    UNCLEAR = "unclear", _("not known whether it was done")


UNFINISHED_STATES = (OperationState.QUEUED, OperationState.SENDING)


class OperationBatch(models.Model):
    """Operations requested together; its address is no secret, what it shows needs permission."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254)

    def __str__(self) -> str:
        return str(self.id)


class RemoteOperation(TenantOwned):
    """One POST or PATCH that a person requested, and its result."""

    key = models.ForeignKey("vault.ApiKey", on_delete=models.CASCADE, related_name="+")
    key_version = models.PositiveIntegerField()
    batch = models.ForeignKey(
        OperationBatch, on_delete=models.CASCADE, null=True, related_name="operations"
    )
    kind = models.CharField(max_length=10, choices=OperationKind.choices)
    state = models.CharField(
        max_length=10, choices=OperationState.choices, default=OperationState.QUEUED
    )
    full = models.BooleanField(default=False)  # of a sync: everything anew
    tool_key = models.CharField(max_length=128, blank=True)  # of a switch
    tool_name = models.CharField(max_length=120, blank=True)
    enable = models.BooleanField(default=False)
    requested_at = models.DateTimeField()
    requested_by = models.CharField(max_length=254)
    requested_by_id = models.BigIntegerField(null=True)

    # While it is being sent: after `lease_until` no worker waits for the answer.
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
                condition=Q(state__in=UNFINISHED_STATES),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="one_sync_at_a_time",
                condition=Q(kind=OperationKind.SYNC, state__in=UNFINISHED_STATES),
            ),
            models.UniqueConstraint(
                fields=["key", "tool_key"],
                name="one_switch_at_a_time",
                condition=Q(kind=OperationKind.SWITCH, state__in=UNFINISHED_STATES),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.key_id}: {self.state}"

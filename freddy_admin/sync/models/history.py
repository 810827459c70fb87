"""The history: changes, and runs of identical observations; it grows with changes alone."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from freddy_admin.core.models import TenantOwned


class EventKind(models.TextChoices):
    """What an event reports; the value is stored and never changes its meaning."""

    SYNC_SEEN = "sync_seen", _("Synced")
    SYNC_SKIPPED = "sync_skipped", _("Sync skipped")
    SYNC_TAKEN_BACK = "sync_taken_back", _("Last sync moved back")
    SCHEDULE_CHANGED = "schedule_changed", _("Schedule changed")
    TOOLS_CHANGED = "tools_changed", _("Tools changed")
    CHECK_FAILED = "check_failed", _("Check failed")
    HEALTH_CHANGED = "health_changed", _("State changed")
    KEY_CHANGED = "key_changed", _("Key changed")
    PERSON_ACTION = "person_did", _("Done by a person")


# A key's states and tools at any moment follow from these.
STATE_EVENT_KINDS = (EventKind.HEALTH_CHANGED, EventKind.TOOLS_CHANGED, EventKind.KEY_CHANGED)


class HistoryEvent(TenantOwned):
    """One thing that happened, at the moment it became true; `noticed_at` is when we saw it.

    `until` is for what lasts: a span of failing checks, open while None. `details` holds short
    JSON values, a changed one as [from, to]; never a secret.
    """

    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.ForeignKey(
        "vault.ApiKey", on_delete=models.CASCADE, related_name="+", null=True, db_index=False
    )
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    actor_name = models.CharField(max_length=254, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "-at"], name="event_timeline"),
            models.Index(fields=["key", "at"], name="event_by_key"),
            models.Index(
                fields=["key"],
                name="event_open",
                condition=Q(kind=EventKind.CHECK_FAILED, until=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.kind}"


class CheckRun(TenantOwned):
    """Checks in a row that all brought the very same thing; the latest run is in `SyncStatus`.

    A run ends with a check that brings anything else, and where none came for so long that the
    last one was no longer current; failing keys are checked less often, which ends no run.
    """

    key = models.ForeignKey(
        "vault.ApiKey", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key_version = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    worst_ms = models.FloatField(null=True)  # the slowest of these checks
    outcome = models.CharField(max_length=10)
    total_tools = models.BigIntegerField(null=True)
    enabled_tools = models.BigIntegerField(null=True)
    last_sync_at = models.DateTimeField(null=True)
    next_sync_at = models.DateTimeField(null=True)
    sync_interval_hours = models.BigIntegerField(null=True)
    incremental_sync_enabled = models.BooleanField(null=True)
    error_kind = models.CharField(max_length=40, blank=True)
    error_code = models.CharField(max_length=128, blank=True)
    error_http_status = models.PositiveSmallIntegerField(null=True)
    # Of the latest of these checks.
    trace_id = models.CharField(max_length=128, blank=True)
    request_id = models.CharField(max_length=128, blank=True)

    class Meta:
        indexes = [models.Index(fields=["key", "last_at"], name="run_by_key")]

    def __str__(self) -> str:
        return f"{self.key_id}: {self.count} times {self.outcome}"

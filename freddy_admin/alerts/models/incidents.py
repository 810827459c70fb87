"""Incidents of one organisation, and the causes that link those of several."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from freddy_admin.core.models import TenantOwned
from freddy_admin.sync.health_states import HealthState


class Severity(models.TextChoices):
    """How much an incident asks for. Declared worst first."""

    ACTION_NEEDED = "action_needed", _("action needed")
    WARNING = "warning", _("warning")


class IncidentState(models.TextChoices):
    """How far an incident is."""

    OPEN = "open", _("open")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    RESOLVED = "resolved", _("resolved")


class CauseKind(models.TextChoices):
    """What several incidents have in common."""

    API_UNREACHABLE = "api_unreachable", _("Aitronos cannot be reached")
    REFUSED_ALIKE = "refused_alike", _("keys are refused in the same way")
    MASTER_KEY = "master_key", _("the master key does not fit")


class Cause(models.Model):
    """What links incidents of several organisations; at most one of a kind and detail is open.

    It belongs to the platform: members see its sentence, never which others it links.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=20, choices=CauseKind.choices)
    # The kind of failure, or the refusal ("401", "403 CODE"); with the environment it tells which.
    detail = models.CharField(max_length=200, blank=True)
    environment = models.CharField(max_length=64, blank=True)
    # At Aitronos, where it is shared by the keys of one organisation there; "": by the panel's.
    organization_id = models.CharField(max_length=128, blank=True)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "detail", "environment", "organization_id"],
                condition=Q(resolved_at=None),
                name="one_open_cause",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}".strip()


class Incident(TenantOwned):
    """A span in which keys of one organisation were not well; keys of one sync share theirs.

    `opened_at` and `resolved_at` are when it became true and ceased to be, `noticed_at` and
    `resolution_noticed_at` when the panel saw that.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    cause = models.ForeignKey(Cause, on_delete=models.SET_NULL, null=True, related_name="incidents")
    # When it was; an incident is told by itself before. None of what no cause was found for.
    cause_linked_at = models.DateTimeField(null=True)
    state = models.CharField(
        max_length=12, choices=IncidentState.choices, default=IncidentState.OPEN
    )
    severity = models.CharField(max_length=14, choices=Severity.choices)
    # The worst state of its keys; of a resolved one the last that it had.
    health_state = models.CharField(max_length=20, choices=HealthState.choices)
    opened_at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolution_noticed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=254, blank=True)  # as the audit log names people
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # Made from history that is older than the alerts: nobody was told of it, or ever is.
    is_from_history = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["organisation", "-opened_at"],
                condition=~Q(state="resolved"),
                name="incident_open",
            ),
            models.Index(fields=["organisation", "-opened_at"], name="incident_list"),
            models.Index(fields=["-opened_at"], name="incident_by_time"),
            models.Index(fields=["cause"], name="incident_by_cause"),
            # What pruning looks for, and what was resolved since a moment.
            models.Index(fields=["resolved_at"], name="incident_by_end"),
        ]

    def __str__(self) -> str:
        return f"incident {self.pk}: {self.health_state}, {self.state}"


class HistoryImport(models.Model):
    """How far the history that is older than the alerts was made into incidents; one row."""

    started_at = models.DateTimeField()
    last_key_id = models.BigIntegerField(default=0)  # keys up to it are done
    until_key_id = models.BigIntegerField()  # later keys came with the alerts
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"up to key {self.last_key_id} of {self.until_key_id}"


class IncidentKey(models.Model):
    """A key in an incident: in which state it is or was, since when, until when."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="keys")
    key = models.ForeignKey("vault.ApiKey", on_delete=models.CASCADE, related_name="+")
    health_state = models.CharField(max_length=20, choices=HealthState.choices)
    state_rule = models.PositiveSmallIntegerField(default=0)  # the line of the health rule
    error_kind = models.CharField(max_length=40, blank=True)
    error_code = models.CharField(max_length=128, blank=True)
    error_http_status = models.PositiveSmallIntegerField(null=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # A key is in one open incident at most, however many workers see it at once.
            models.UniqueConstraint(
                fields=["key"], condition=Q(ended_at=None), name="one_open_incident_per_key"
            )
        ]

    def __str__(self) -> str:
        return f"key {self.key_id} in incident {self.incident_id}"


class IncidentEventKind(models.TextChoices):
    """What happened in an incident; the value is stored and never changes its meaning."""

    OPENED = "opened", _("Opened")
    KEY_JOINED = "key_joined", _("Another key is affected")
    STATE_CHANGED = "state_changed", _("State changed")
    KEY_RECOVERED = "key_recovered", _("A key recovered")
    RESOLVED = "resolved", _("Resolved")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    UNACKNOWLEDGED = "unacknowledged", _("Acknowledgement withdrawn")
    ASSIGNED = "assigned", _("Assigned")
    UNASSIGNED = "unassigned", _("No longer assigned")
    NOTE = "note", _("Note")
    MUTED = "muted", _("Muted")
    UNMUTED = "unmuted", _("Mute ended")


class IncidentEvent(models.Model):
    """One line of an incident's timeline: what happened, when, by whom."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=16, choices=IncidentEventKind.choices)
    at = models.DateTimeField()
    actor_name = models.CharField(max_length=254, blank=True)  # "" for the panel itself
    actor_id = models.BigIntegerField(null=True)  # of the person, who may be gone by now
    note = models.TextField(max_length=2_000, blank=True)
    details = models.JSONField(default=dict)  # short JSON values; never a secret

    class Meta:
        indexes = [
            models.Index(fields=["incident", "at"], name="incident_timeline"),
            models.Index(
                fields=["actor_id"], condition=Q(actor_id__isnull=False), name="incident_by_actor"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M:%S}"

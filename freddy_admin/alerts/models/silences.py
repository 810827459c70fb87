"""What holds messages back, and nothing else: mutes of incidents, and maintenance windows."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from freddy_admin.alerts.models.incidents import Incident


class Mute(models.Model):
    """Holds back an incident's messages until a moment, but for the end of what was told."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="mutes")
    until = models.DateTimeField()
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254)
    ended_at = models.DateTimeField(null=True)  # ended by a person, before its time
    ended_by = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes = [models.Index(fields=["incident", "until"], name="mute_by_incident")]

    def __str__(self) -> str:
        return f"incident {self.incident_id} until {self.until:%Y-%m-%d %H:%M:%S}"


class WindowRecurrence(models.TextChoices):
    """How often a maintenance window comes."""

    ONCE = "once", _("once")
    WEEKLY = "weekly", _("every week")


class MaintenanceWindow(models.Model):
    """A planned span in which messages are held back: of an organisation, a tag of it, or of all.

    Its times are those of a clock on the wall in `zone`: a clock change moves it with the wall.
    """

    # None: of the whole panel, and a platform admin's alone.
    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.CASCADE, null=True, related_name="+"
    )
    tag = models.CharField(max_length=40, blank=True)  # only keys with this tag
    reason = models.CharField(max_length=200)
    recurrence = models.CharField(
        max_length=8, choices=WindowRecurrence.choices, default=WindowRecurrence.ONCE
    )
    zone = models.CharField(max_length=64)
    starts_on = models.DateField()  # of a weekly one the first day; its weekday is the window's
    starts_at = models.TimeField()
    minutes = models.PositiveIntegerField()  # on the wall's clock
    ends_on = models.DateField(null=True)  # the last day of a weekly one
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254)
    deleted_at = models.DateTimeField(null=True)  # kept, for it explains what was held back
    deleted_by = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["organisation"], condition=Q(deleted_at=None), name="window_in_use"
            )
        ]

    def __str__(self) -> str:
        return f"{self.recurrence} from {self.starts_on} {self.starts_at} {self.zone}"

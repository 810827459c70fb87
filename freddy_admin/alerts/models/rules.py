"""Rules: who is told of which incidents."""

from django.db import models

from freddy_admin.alerts.models.channels import Channel
from freddy_admin.alerts.models.incidents import Severity


class AlertRule(models.Model):
    """Who is told of an organisation's incidents, or of all for one of the whole panel.

    An organisation without a rule of its own has the default one: `rules.default`.
    """

    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.CASCADE, null=True, related_name="+"
    )
    name = models.CharField(max_length=80)
    # Incidents of this severity and worse.
    severity = models.CharField(
        max_length=14, choices=Severity.choices, default=Severity.ACTION_NEEDED
    )
    # Roles whose members get a mail, see `organisations.roles.Role`; platform admins of a rule of
    # the whole panel are named "platform_admin".
    roles = models.JSONField(default=list)
    channels = models.ManyToManyField(Channel, related_name="rules")
    # Of one of the whole panel: only incidents that several organisations have in common.
    causes_only = models.BooleanField(default=False)
    delay_minutes = models.PositiveIntegerField(default=0)  # after the first minute
    sends_reminders = models.BooleanField(default=True)
    # Quiet hours: on the clock of the wall in `zone`; both None for none.
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    zone = models.CharField(max_length=64, default="UTC")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254)

    def __str__(self) -> str:
        return self.name

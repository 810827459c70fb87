"""What one person gets by mail, and when."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class DigestFrequency(models.TextChoices):
    """How often a person gets a digest."""

    NONE = "none", _("never")
    DAILY = "daily", _("every day")
    WEEKLY = "weekly", _("every week")


class AlertPreferences(models.Model):
    """What one person chose; without a row, the defaults below. Times are in the person's zone."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alert_preferences"
    )
    gets_mail = models.BooleanField(default=True)
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    digest = models.CharField(
        max_length=8, choices=DigestFrequency.choices, default=DigestFrequency.NONE
    )
    digest_hour = models.PositiveSmallIntegerField(default=8)
    digest_weekday = models.PositiveSmallIntegerField(default=0)  # Monday is 0
    digest_skips_quiet = models.BooleanField(default=True)  # no digest when all is well
    digest_chosen_at = models.DateTimeField(null=True)  # no digest for a moment before that

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class DigestRun(models.Model):
    """A digest of one person and period, at most one: by the period's first day in their zone."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="digest_runs"
    )
    period = models.DateField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    # What it covers, in UTC, up to `created_at`.
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "period"], name="one_digest_per_period")
        ]

    def __str__(self) -> str:
        return f"digest of {self.user_id} for {self.period}"

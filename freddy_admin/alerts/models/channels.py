"""Channels: one address each, where messages are sent."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ChannelKind(models.TextChoices):
    """How a channel is reached."""

    MAIL = "mail", _("mail")
    WEBHOOK = "webhook", _("webhook")
    SLACK = "slack", _("Slack")
    TEAMS = "teams", _("Microsoft Teams")
    PAGERDUTY = "pagerduty", _("PagerDuty")


class Channel(models.Model):
    """One address. Of an organisation, of the whole panel, or a person's mail.

    The address, and what it is signed with, is a secret of the vault (`vault.ChannelSecret`) but
    for mail, which goes to the person's present address.
    """

    # Both None: of the whole panel, and told of every organisation.
    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.CASCADE, null=True, related_name="+"
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="alert_channel"
    )
    kind = models.CharField(max_length=10, choices=ChannelKind.choices)
    name = models.CharField(max_length=80, blank=True)
    host = models.CharField(max_length=255, blank=True)  # of its address: all that is shown of it
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254, blank=True)
    deleted_at = models.DateTimeField(null=True)  # kept for the log of what it was sent

    # Off: by a person, or since the other side refused it for good.
    disabled_at = models.DateTimeField(null=True)
    disabled_by = models.CharField(max_length=254, blank=True)  # "" for the panel itself
    disabled_reason = models.CharField(max_length=40, blank=True)

    # What the other side last said; `answer` is plain text, cut.
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=200, blank=True)
    answer_status = models.PositiveSmallIntegerField(null=True)  # the HTTP or SMTP status
    succeeded_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failure = models.CharField(max_length=40, blank=True)  # why, since then
    retry_at = models.DateTimeField(null=True)  # not before: it asked for patience (Retry-After)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) | Q(organisation=None, kind="mail"),
                name="channel_of_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.kind


class ChannelNotice(models.Model):
    """A mail that waits: it tells a person that a channel was switched off; sent, it is deleted."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notices")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    disabled_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"channel {self.channel_id} is off, for {self.user_id}"

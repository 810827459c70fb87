"""What became of the pings to HEARTBEAT_URL; one row for the whole panel."""

from django.db import models


class OutsideHeartbeat(models.Model):
    """When the panel last told the outside that it works, and why it does not at present.

    The row is also what keeps several workers from telling it more often than one would.
    """

    attempted_at = models.DateTimeField()  # sent, or withheld for `withheld_reason`
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)  # and taken
    withheld_reason = models.CharField(max_length=20, blank=True)  # see `HeartbeatHold`
    failing_since = models.DateTimeField(null=True)  # sent, and not taken
    failure = models.CharField(max_length=40, blank=True)  # the kind of the failure, or its status

    def __str__(self) -> str:
        return f"heartbeat of {self.attempted_at:%Y-%m-%d %H:%M:%S}"

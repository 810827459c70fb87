"""How many checks ended with which outcome since the panel was set up, for monitoring."""

from django.db import models


class CheckCounter(models.Model):
    """The number of checks with one outcome and `kind` of failure ("" for good ones)."""

    outcome = models.CharField(max_length=10)
    kind = models.CharField(max_length=40, blank=True)
    times = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["outcome", "kind"], name="one_count_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.kind}: {self.times}"

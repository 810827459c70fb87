"""How many checks ended, and how, since the panel was set up: figures for monitoring."""

from django.db import models


class CheckCount(models.Model):
    """Checks that ended alike; `kind` is empty for good ones. It only grows."""

    outcome = models.CharField(max_length=10)
    kind = models.CharField(max_length=40, blank=True)
    times = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["outcome", "kind"], name="one_count_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.kind}: {self.times}"

"""Base of every table whose rows belong to one organisation."""

from django.db import models


class TenantOwned(models.Model):
    """A row of one organisation: it goes when the organisation goes."""

    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True


class CacheEntry(models.Model):
    """The table of Django's database cache, as a model so that `migrate` makes it."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "core_cache"

    def __str__(self) -> str:
        return self.cache_key


class LimitCount(models.Model):
    """How often something was done in one span of time; swept away once the span is over."""

    key = models.CharField(max_length=120, primary_key=True)
    times = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key}: {self.times}"


class ClockState(models.Model):
    """What came of comparing the clocks, see `core.clock_guard`; one row. Offsets are seconds."""

    compared_at = models.DateTimeField()  # by the machine's clock
    reference = models.CharField(max_length=40)  # the other clock: the database's, or of which boot
    offset = models.FloatField(default=0.0)  # how far the machine's clock may be from it
    # While deletion is held.
    held_since = models.DateTimeField(null=True)
    agreed_since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=10, blank=True)
    apart = models.FloatField(default=0.0)
    # How far it leapt, and what it wrote since; once it is back, what is to be set right.
    ahead_by = models.FloatField(default=0.0)
    ahead_from = models.DateTimeField(null=True)
    repair_from = models.DateTimeField(null=True)
    # History up to here may go; it moves on slowly.
    pruned_to = models.DateTimeField(null=True)
    pruned_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"compared at {self.compared_at:%Y-%m-%d %H:%M:%S}"

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

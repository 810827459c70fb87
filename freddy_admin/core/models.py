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

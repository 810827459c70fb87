"""What the worker counts for pages, so that none of them reads every key."""

from django.db import models
from django.db.models import F

from freddy_admin.core.models import TenantOwned


class FiguresCount(models.Model):
    """How many keys report the same current figures, and what proves that it is one sync."""

    figures_digest = models.CharField(max_length=16)
    keys = models.PositiveIntegerField()
    min_check_count = models.PositiveIntegerField()
    min_previous_digest = models.CharField(max_length=16, blank=True)
    max_previous_digest = models.CharField(max_length=16, blank=True)
    current_until = models.DateTimeField()  # later, the figures of one of these keys are unknown

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.figures_digest}: {self.keys}"


class OrganisationFigures(FiguresCount, TenantOwned):
    """Those of one organisation's keys that others of the panel report as well."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "figures_digest"], name="one_count_of_figures"
            )
        ]


class PanelFigures(FiguresCount):
    """A proven group over all organisations: what platform admins are shown."""

    organisations = models.PositiveIntegerField()
    first_name = models.CharField(max_length=120)
    last_name = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["figures_digest"], name="one_panel_count_of_figures")
        ]
        indexes = [
            models.Index(F("keys").desc(), "first_name", "figures_digest", name="sync_largest"),
            models.Index(fields=["current_until"], name="sync_figures_until"),
        ]


class StateCount(models.Model):
    """How many keys had a state when the worker last counted; their sum per state.

    A key's row says with which state it was counted (`SyncStatus.counted_state`), and an index
    holds the few that have another one by now. A row that is deleted leaves a count of -1.
    """

    state = models.CharField(max_length=20)
    keys = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.state}: {self.keys}"

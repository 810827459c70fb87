"""The audit log: who did what, when, and the chain that holds it. Rows are only ever added."""

from datetime import datetime
from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _


class AppendOnlyError(RuntimeError):
    """Somebody wrote code that edits or deletes the audit log; there is no such way."""

    def __init__(self) -> None:
        super().__init__("The audit log is append-only: events are never edited or deleted.")


class AddedOnlyQuerySet(models.QuerySet[Any]):
    """Reads and adds; every way to edit or delete is closed, here and by the database."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Never allowed."""
        raise AppendOnlyError

    def _raw_delete(self, using: str | None) -> NoReturn:
        raise AppendOnlyError

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never allowed."""
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        """Never allowed."""
        raise AppendOnlyError


class AddedOnly(models.Model):
    """A row that stays as it was written."""

    objects = AddedOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row; raises AppendOnlyError for one that is already written."""
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **(kwargs | {"force_insert": True}))

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never allowed."""
        raise AppendOnlyError


class AuditEvent(AddedOnly):
    """One thing a person or a command did.

    Names are kept as text beside the numbers, so that an event outlives the person and the
    organisation it speaks of. `seal` shows that the panel wrote it; its place in the chain is an
    `AuditLink`. Events from before there was a chain have no seal.
    """

    at = models.DateTimeField()
    # One of `Tag`. Without choices here, a new tag is a line of code and no migration.
    tag = models.CharField(max_length=40)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    organisation_id = models.BigIntegerField(null=True)
    organisation_name = models.CharField(max_length=120, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    seal = models.CharField(max_length=80, blank=True, default="")

    # Where a list shows it, if a clock that was ahead has stamped it; no column.
    listed_at: datetime | None = None

    class Meta:
        ordering = ["-at", "-id"]
        # Each narrows the page by one thing, in the page's order; none of them is counted.
        indexes = [
            models.Index(fields=["at", "id"], name="audit_by_time"),
            models.Index(fields=["organisation_id", "at", "id"], name="audit_by_organisation_time"),
            models.Index(
                fields=["organisation_id", "tag", "at", "id"], name="audit_by_organisation_tag"
            ),
            models.Index(fields=["actor_id", "at", "id"], name="audit_by_actor"),
            models.Index(fields=["tag", "at", "id"], name="audit_by_tag"),
            models.Index(fields=["subject", "at", "id"], name="audit_by_subject"),
            models.Index(
                fields=["request_id"], name="audit_by_request", condition=~models.Q(request_id="")
            ),
        ]
        # The same event, copied by hand, would bring the same seal along.
        constraints = [
            models.UniqueConstraint(
                fields=["seal"], name="audit_seal_once", condition=~models.Q(seal="")
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.tag}"


class AuditLink(AddedOnly):
    """An event's place in the chain: places are counted from 1 without a gap."""

    place = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.place}: {self.event_id}"


class EpochKind(models.TextChoices):
    """Why the chain goes on with another key, or anew."""

    ADOPTED = "adopted", _("written before there was a chain")
    BEGUN = "begun", _("written with the chain")
    KEY_CHANGED = "key_changed", _("SECRET_KEY was changed")
    BEGUN_ANEW = "begun_anew", _("the end of the chain was missing")


class AuditEpoch(AddedOnly):
    """From this place on, the chain is keyed by this key."""

    first_place = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=EpochKind.choices)
    key_id = models.CharField(max_length=16)
    began_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.first_place}: {self.kind}"


class AuditHead(models.Model):
    """Where the chain ends: one row, whose lock makes one writer wait for the other."""

    count = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64)
    last = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    proof = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.count} events"


class AuditCheck(models.Model):
    """How far the worker's present walk along the chain is, and what its last one found: one row.

    `walk` is empty between two walks; `problem` is empty where everything was in order.
    """

    walk = models.JSONField(default=dict)
    verified_at = models.DateTimeField(null=True)
    events = models.BigIntegerField(default=0)
    problem = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.events} events, {self.problem or 'in order'}"


class RepeatKind(models.TextChoices):
    """What one count holds together."""

    SAME = "same", _("the same by the same person")
    OTHERS = "others", _("what one person did beyond the limit")
    VISITORS = "visitors", _("what visitors from everywhere did beyond the limit")


class RepeatCount(models.Model):
    """How often something came again since its event was written.

    Not part of the log: counted here until `ends_at`, then written as one event and deleted.
    `who` is a person or a network; `times` are those that no event tells of yet. The rest is what
    that event will say.
    """

    key = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=10, choices=RepeatKind.choices)
    who = models.CharField(max_length=300)
    tag = models.CharField(max_length=40)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    organisation_id = models.BigIntegerField(null=True)
    organisation_name = models.CharField(max_length=120, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    times = models.BigIntegerField()
    begun_at = models.DateTimeField()
    last_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["who", "tag", "begun_at"], name="audit_repeats_of_one"),
            models.Index(fields=["tag", "begun_at"], name="audit_repeats_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.tag}: {self.times}"

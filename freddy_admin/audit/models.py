"""The audit log: who did what, when, and the hash chain over it. Rows are only ever added."""

from datetime import datetime
from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _


class AppendOnlyError(RuntimeError):
    """Code tried to edit or delete a row of the audit log."""

    def __init__(self) -> None:
        super().__init__("The audit log is append-only: events are never edited or deleted.")


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Reads and adds rows; editing and deleting is refused, here and by the database."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Raises AppendOnlyError."""
        raise AppendOnlyError

    def _raw_delete(self, using: str | None) -> NoReturn:
        raise AppendOnlyError

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises AppendOnlyError."""
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        """Raises AppendOnlyError."""
        raise AppendOnlyError


class AppendOnlyModel(models.Model):
    """A row that is never changed after it was written."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row; raises AppendOnlyError for one that is already written."""
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **(kwargs | {"force_insert": True}))

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises AppendOnlyError."""
        raise AppendOnlyError


class AuditEvent(AppendOnlyModel):
    """One thing a person or a command did.

    Names are stored as text beside the ids, so that an event outlives the person and the
    organisation it names. `seal` proves that the panel wrote it; its place in the chain is an
    `AuditLink`. Events from before there was a chain have no seal.
    """

    at = models.DateTimeField()
    # One of `AuditTag`. Without choices here, a new tag is a line of code and no migration.
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

    # The moment at which a list shows it, if a clock wrote it while it was ahead; no column.
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


class AuditLink(AppendOnlyModel):
    """An event's place in the chain: places are counted from 1 without a gap."""

    place = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.place}: {self.event_id}"


class EpochKind(models.TextChoices):
    """Why an epoch of the chain started."""

    ADOPTED = "adopted", _("written before there was a chain")
    STARTED = "begun", _("written with the chain")
    KEY_CHANGED = "key_changed", _("SECRET_KEY was changed")
    RESTARTED = "begun_anew", _("the end of the chain was missing")


class AuditEpoch(AppendOnlyModel):
    """From `first_place` on, the chain is keyed by the key with this id."""

    first_place = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=EpochKind.choices)
    key_id = models.CharField(max_length=16)
    began_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.first_place}: {self.kind}"


class AuditHead(models.Model):
    """The end of the chain: one row, whose lock makes one writer wait for another."""

    count = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64)
    last = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    proof = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.count} events"


class AuditVerification(models.Model):
    """The progress of the worker's verification of the chain, and its last result: one row.

    `progress` is empty between two verifications, `problem` where everything was in order.
    """

    progress = models.JSONField(default=dict)
    verified_at = models.DateTimeField(null=True)
    events = models.BigIntegerField(default=0)
    problem = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.events} events, {self.problem or 'in order'}"


class RepeatKind(models.TextChoices):
    """Which events one count sums up."""

    SAME = "same", _("the same by the same person")
    OTHERS = "others", _("what one person did beyond the limit")
    VISITORS = "visitors", _("what visitors from everywhere did beyond the limit")


class RepeatCount(models.Model):
    """How often an event was repeated since it was written.

    Not part of the log: counted here until `ends_at`, then written as one event and deleted.
    `actor_key` is a person or a network; `times` counts repeats that no event reports yet. The
    other fields are those of that event.
    """

    key = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=10, choices=RepeatKind.choices)
    actor_key = models.CharField(max_length=300)
    tag = models.CharField(max_length=40)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    organisation_id = models.BigIntegerField(null=True)
    organisation_name = models.CharField(max_length=120, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    times = models.BigIntegerField()
    started_at = models.DateTimeField()
    last_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["actor_key", "tag", "started_at"], name="audit_repeats_of_one"),
            models.Index(fields=["tag", "started_at"], name="audit_repeats_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.tag}: {self.times}"

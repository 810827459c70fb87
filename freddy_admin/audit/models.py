"""The audit log: who did what, when. Rows are only ever added."""

from typing import Any, NoReturn

from django.db import models

from freddy_admin.audit.tags import Tag


class AppendOnlyError(RuntimeError):
    """Somebody wrote code that edits or deletes the audit log; there is no such way."""

    def __init__(self) -> None:
        super().__init__("The audit log is append-only: events are never edited or deleted.")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Reads and adds; every way to edit or delete is closed."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Never allowed."""
        raise AppendOnlyError

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never allowed."""
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        """Never allowed."""
        raise AppendOnlyError


class AuditEvent(models.Model):
    """One thing a person or a command did.

    Names are kept as text beside the numbers, so that an event outlives the person and the
    organisation it speaks of.
    """

    at = models.DateTimeField(db_index=True)
    tag = models.CharField(max_length=40, choices=Tag.choices)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    organisation_id = models.BigIntegerField(null=True)
    organisation_name = models.CharField(max_length=120, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["organisation_id", "-at"], name="audit_by_organisation")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.tag}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the event; raises AppendOnlyError for one that is already written."""
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never allowed."""
        raise AppendOnlyError

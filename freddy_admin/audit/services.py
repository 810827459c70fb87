"""The one way into the audit log."""

from dataclasses import dataclass
from typing import Any

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person (with the address they come from) or a command of the operator."""

    name: str
    id: int | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The organisation an event belongs to."""

    id: int
    name: str


OPERATOR = Actor(name="operator (command line)")
WORKER = Actor(name="worker")


def audit_record(
    *, tag: Tag, actor: Actor, place: Place | None = None, subject: str = "", **details: Any
) -> AuditEvent:
    """Write down one event; `details` are short JSON values and never hold a secret."""
    return AuditEvent.objects.create(
        at=clock.now(),
        tag=tag,
        actor_id=actor.id,
        actor_name=actor.name[:254],
        address=actor.address,
        organisation_id=place.id if place else None,
        organisation_name=place.name[:120] if place else "",
        subject=subject[:200],
        details=details,
    )

"""The one way into the audit log."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from freddy_admin.audit.chain import chain_soon
from freddy_admin.audit.content import details_stored, event_content, text_stored
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.request_ids import request_id
from freddy_admin.crypto.chains import chain_key


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


def name_alone(actor_name: str) -> str:
    """The name without the address that the log has beside it."""
    if not actor_name.endswith(")"):
        return actor_name
    return actor_name.rpartition(" (")[0] or actor_name


OPERATOR = Actor(name="operator (command line)")
WORKER = Actor(name="worker")

BATCH = 500


def audit_record(
    *, tag: Tag, actor: Actor, place: Place | None = None, subject: str = "", **details: Any
) -> AuditEvent:
    """Write down one event; `details` are short JSON values and never hold a secret.

    It takes no lock, wherever in a transaction it stands: it joins the chain after the commit.
    """
    event = _event(tag, actor, place, subject, details)
    event.save(force_insert=True)
    chain_soon([event.pk])
    return event


def audit_record_each(*, tag: Tag, actor: Actor, places: list[Place]) -> None:
    """Write down the same event for many organisations at once, each named as its subject."""
    events = [_event(tag, actor, place, place.name, {}) for place in places]
    added = AuditEvent.objects.bulk_create(events, batch_size=BATCH)
    chain_soon([event.pk for event in added])


def _event(
    tag: Tag, actor: Actor, place: Place | None, subject: str, details: dict[str, Any]
) -> AuditEvent:
    event = AuditEvent(
        at=clock.now(),
        tag=tag,
        actor_id=actor.id,
        actor_name=text_stored(actor.name, 254),
        address=actor.address,
        organisation_id=place.id if place else None,
        organisation_name=text_stored(place.name, 120) if place else "",
        subject=text_stored(subject, 200),
        details=details_stored(details),
        request_id=request_id(),
    )
    event.seal = chain_key(settings.SECRET_KEY).seal(event_content(event))
    return event

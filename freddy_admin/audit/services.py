"""The one way into the audit log."""

import logging
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection, transaction

from freddy_admin.audit.chain import chain_soon, event_seal
from freddy_admin.audit.content import details_stored, text_stored
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.repeats import repeat_count
from freddy_admin.audit.tags import RECORDING, Recording, Tag
from freddy_admin.core import clock
from freddy_admin.core.request_ids import request_id

log = logging.getLogger(__name__)


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
    *,
    tag: Tag,
    actor: Actor,
    place: Place | None = None,
    subject: str = "",
    same_as: Any = "",
    **details: Any,
) -> AuditEvent:
    """Write down one event; `details` are short JSON values and never hold a secret.

    It takes no lock of the chain, wherever in a transaction it stands: it joins that after the
    commit. Of a kind whose repeats are counted, one that came before within ten minutes only adds
    to its count, and the event that is given back has no number; `same_as` tells two apart that
    look alike in the log, and is kept as a keyed hash alone. The count's row is locked until the
    commit: let it be the last that a transaction does.
    """
    event = _event(tag, actor, place, subject, details)
    if RECORDING[tag] is Recording.ALWAYS or actor in (OPERATOR, WORKER):
        _save(event)
        return event
    with transaction.atomic(savepoint=False):
        if repeat_count(event, same_as=same_as):
            _save(event)
    return event


def audit_record_if_possible(
    *, tag: Tag, actor: Actor, place: Place | None = None, subject: str = "", **details: Any
) -> None:
    """Write down what was only looked at or refused: that goes on in a database that is full."""
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            audit_record(tag=tag, actor=actor, place=place, subject=subject, **details)
    except DatabaseError as error:
        log.warning("An event (%s) could not be written down: %s", tag.value, type(error).__name__)


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
    event.seal = event_seal(event)
    return event


def _save(event: AuditEvent) -> None:
    event.save(force_insert=True)
    chain_soon([event.pk])

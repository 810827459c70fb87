"""Writes events to the audit log."""

import logging
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection, transaction

from freddy_admin.audit.chain import chain_append_on_commit, event_seal
from freddy_admin.audit.event_content import storable_details, storable_text
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.repeats import repeat_count_increment
from freddy_admin.audit.tags import RECORDING_MODES, AuditTag, RecordingMode
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
class OrganisationRef:
    """The organisation an event belongs to."""

    id: int
    name: str


def actor_name_without_address(actor_name: str) -> str:
    """The actor's name without the address in parentheses behind it."""
    if not actor_name.endswith(")"):
        return actor_name
    return actor_name.rpartition(" (")[0] or actor_name


OPERATOR = Actor(name="operator (command line)")
WORKER = Actor(name="worker")

INSERT_BATCH_SIZE = 500


def audit_event_record(
    *,
    tag: AuditTag,
    actor: Actor,
    organisation: OrganisationRef | None = None,
    subject: str = "",
    same_as: Any = "",
    **details: Any,
) -> AuditEvent:
    """Record one event; `details` are short JSON values and never hold a secret.

    It takes no lock of the hash chain: the event is appended after the commit. Where the tag's
    repeats are counted, a repeat within ten minutes only adds to the count, and the event that is
    returned has no id; `same_as` distinguishes two that look alike in the log, and is stored as a
    keyed hash alone. The count's row is locked until the commit, so call this at the end of a
    transaction.
    """
    event = _build_event(tag, actor, organisation, subject, details)
    if RECORDING_MODES[tag] is RecordingMode.ALWAYS or actor in (OPERATOR, WORKER):
        _save_event_and_chain_on_commit(event)
        return event
    with transaction.atomic(savepoint=False):
        if repeat_count_increment(event, same_as=same_as):
            _save_event_and_chain_on_commit(event)
    return event


def audit_event_record_if_possible(
    *,
    tag: AuditTag,
    actor: Actor,
    organisation: OrganisationRef | None = None,
    subject: str = "",
    **details: Any,
) -> None:
    """Record an event, or log a warning where the database takes no writes."""
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            audit_event_record(
                tag=tag, actor=actor, organisation=organisation, subject=subject, **details
            )
    except DatabaseError as error:
        log.warning("An event (%s) could not be written down: %s", tag.value, type(error).__name__)


def audit_event_record_for_organisations(
    *, tag: AuditTag, actor: Actor, organisations: list[OrganisationRef]
) -> None:
    """Record one event for each of many organisations, each named as its subject."""
    events = [
        _build_event(tag, actor, organisation, organisation.name, {})
        for organisation in organisations
    ]
    added = AuditEvent.objects.bulk_create(events, batch_size=INSERT_BATCH_SIZE)
    chain_append_on_commit([event.pk for event in added])


def _build_event(
    tag: AuditTag,
    actor: Actor,
    organisation: OrganisationRef | None,
    subject: str,
    details: dict[str, Any],
) -> AuditEvent:
    event = AuditEvent(
        at=clock.now(),
        tag=tag,
        actor_id=actor.id,
        actor_name=storable_text(actor.name, 254),
        address=actor.address,
        organisation_id=organisation.id if organisation else None,
        organisation_name=storable_text(organisation.name, 120) if organisation else "",
        subject=storable_text(subject, 200),
        details=storable_details(details),
        request_id=request_id(),
    )
    event.seal = event_seal(event)
    return event


def _save_event_and_chain_on_commit(event: AuditEvent) -> None:
    event.save(force_insert=True)
    chain_append_on_commit([event.pk])

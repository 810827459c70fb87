"""Requests for checks by people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.core.fair_shares import waiting_requests_validate_limit
from freddy_admin.core.tasks import QueueName, wake
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.policy import REPEAT_REQUEST_AFTER
from freddy_admin.sync.history.recorder import history_event_create
from freddy_admin.sync.models import EventKind, SyncStatus
from freddy_admin.sync.panel_copy import calls_validate_on
from freddy_admin.vault.models import KeyLifecycle


class CheckRequestOutcome(StrEnum):
    """What became of a person's request for a check."""

    ASKED = "asked"  # the worker will do it next
    JOINED = "joined"  # one runs already, or was asked for: its result is yours too
    JUST_CHECKED = "just_checked"  # under ten seconds old: that result is the answer
    HELD = "held"  # Aitronos asked us to wait


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """The outcome of a request, and until when we wait where Aitronos asked us to."""

    outcome: CheckRequestOutcome
    held_until: datetime | None = None


def check_request(*, organisation: Organisation, actor: Actor, key_id: int) -> CheckRequest:
    """Request a check of this key for a person.

    Raises NotFound, Conflict when paused or where calls are switched off, and TooManyWaiting.
    """
    calls_validate_on()
    now = clock.now()
    with transaction.atomic():
        rows = SyncStatus.objects.select_for_update(of=("self",)).select_related("key")
        row = rows.filter(
            pk=key_id, organisation=organisation, key__status=KeyLifecycle.ACTIVE
        ).first()
        if row is None:
            raise NotFound(_("There is no such key here."))
        if row.key.paused_at is not None:
            raise Conflict(_("This key is paused. Resume it: then it is checked at once."))
        outcome = _decide_request_outcome(row, now=now)
        if outcome is CheckRequestOutcome.ASKED:
            requested = SyncStatus.objects.filter(requested_at__isnull=False)
            waiting_requests_validate_limit(
                of_organisation=requested.filter(organisation=organisation),
                of_person=requested.filter(requested_by=actor.name[:254]),
            )
            _save_check_request(row, organisation=organisation, actor=actor, now=now)
    return CheckRequest(
        outcome, held_until=row.hold_until if outcome is CheckRequestOutcome.HELD else None
    )


def _decide_request_outcome(row: SyncStatus, *, now: datetime) -> CheckRequestOutcome:
    is_running = row.lease_until is not None and row.lease_until > now
    if is_running or row.requested_at is not None:
        return CheckRequestOutcome.JOINED
    age = now - row.checked_at if row.checked_at else None
    # A negative age: our clock was set back, and the result is of no known age.
    if age is not None and timedelta() <= age < REPEAT_REQUEST_AFTER:
        return CheckRequestOutcome.JUST_CHECKED
    if row.hold_until is not None and row.hold_until > now:
        return CheckRequestOutcome.HELD
    return CheckRequestOutcome.ASKED


def _save_check_request(
    row: SyncStatus, *, organisation: Organisation, actor: Actor, now: datetime
) -> None:
    row.next_check_at = min(row.next_check_at, now)
    row.requested_at, row.requested_by, row.updated_at = now, actor.name[:254], now
    row.save(update_fields=["next_check_at", "requested_at", "requested_by", "updated_at"])
    wake(QueueName.CHECK_REQUESTS)
    history_event_create(
        key=row.key, kind=EventKind.PERSON_ACTION, details={"what": "check"}, actor=actor.name
    )
    audit_event_record(
        tag=AuditTag.CHECK_REQUESTED,
        actor=actor,
        organisation=organisation_audit_ref(organisation),
        subject=row.key.label,
    )

"""Freshness: what is young enough is served; what is older is served, and a check is asked for."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.telling import happened_tell
from freddy_admin.sync.models import EventKind, KeySync
from freddy_admin.sync.policy import PRESS_AGAIN_AFTER, policy
from freddy_admin.sync.rows import KeyRow
from freddy_admin.vault.models import KeyStatus

log = logging.getLogger(__name__)

# A page shows 50 keys; more would be somebody asking for the whole fleet at once.
_ASK_AT_MOST = 200


class Answer(StrEnum):
    """What became of a person's wish for a check."""

    ASKED = "asked"  # the worker will do it next
    JOINED = "joined"  # one runs already, or was asked for: its result is yours too
    JUST_CHECKED = "just_checked"  # under ten seconds old: that result is the answer
    HELD = "held"  # Aitronos asked us to wait


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """The answer, and until when we wait where Aitronos asked us to."""

    answer: Answer
    held_until: datetime | None = None


def statuses_ask(*, rows: Sequence[KeyRow], now: datetime) -> int:
    """Ask for a check of each row that is no longer fresh; how many were asked for.

    However many people look, a key is asked for once: afterwards it is due, and stays so until
    its check has ended. Keys that fail or are refused keep to their own pace.
    """
    stale_before = now - policy().fresh
    stale = [row.key_id for row in rows if _wants_a_look(row, stale_before)]
    if not stale:
        return 0
    # The conditions once more in SQL: another reader, or the worker, may have been faster.
    asked = KeySync.objects.filter(
        pk__in=stale[:_ASK_AT_MOST], next_check_at__gt=now, checked_at__lte=stale_before
    )
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            return asked.update(next_check_at=now)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the page with it.
        log.warning("Checks could not be asked for: %s", type(error).__name__)
        return 0


def _wants_a_look(row: KeyRow, stale_before: datetime) -> bool:
    steady = row.failures == 0 and row.refusals == 0 and row.paused_at is None
    stale = row.checked_at is not None and row.checked_at <= stale_before
    return steady and stale and row.next_check_at > row.now and not row.check_pending


def check_request(*, organisation: Organisation, actor: Actor, key_id: int) -> CheckRequest:
    """A person's wish to have this key checked now. Raises NotFound, or Conflict when paused."""
    now = clock.now()
    with transaction.atomic():
        rows = KeySync.objects.select_for_update(of=("self",)).select_related("key")
        row = rows.filter(
            pk=key_id, organisation=organisation, key__status=KeyStatus.ACTIVE
        ).first()
        if row is None:
            raise NotFound(_("There is no such key here."))
        if row.key.paused_at is not None:
            raise Conflict(_("This key is paused. Resume it: then it is checked at once."))
        answer = _answer(row, now=now)
        if answer is Answer.ASKED:
            _ask(row, organisation=organisation, actor=actor, now=now)
    return CheckRequest(answer, held_until=row.hold_until if answer is Answer.HELD else None)


def _answer(row: KeySync, *, now: datetime) -> Answer:
    running = row.lease_until is not None and row.lease_until > now
    if running or row.requested_at is not None:
        return Answer.JOINED
    age = now - row.checked_at if row.checked_at else None
    # A negative age: our clock was set back, and the result is of no known age.
    if age is not None and timedelta() <= age < PRESS_AGAIN_AFTER:
        return Answer.JUST_CHECKED
    if row.hold_until is not None and row.hold_until > now:
        return Answer.HELD
    return Answer.ASKED


def _ask(row: KeySync, *, organisation: Organisation, actor: Actor, now: datetime) -> None:
    row.next_check_at = min(row.next_check_at, now)
    row.requested_at, row.requested_by, row.updated_at = now, actor.name[:254], now
    row.save(update_fields=["next_check_at", "requested_at", "requested_by", "updated_at"])
    happened_tell(
        key=row.key, kind=EventKind.PERSON_DID, details={"what": "check"}, actor=actor.name
    )
    audit_record(
        tag=Tag.CHECK_REQUESTED,
        actor=actor,
        place=Place(organisation.pk, organisation.name),
        subject=row.key.label,
    )

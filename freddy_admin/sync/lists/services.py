"""The lists of a key as pages get them: what is young enough is served; older is asked for, too.

A page never calls Aitronos. It reads the latest good list, and marks an old one as wanted; the
worker makes the call (`listing_calls`).
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.freshness import Answer, CheckRequest
from freddy_admin.sync.health import CLOCK_TOLERANCE
from freddy_admin.sync.lists.reads import listing_read, listing_state
from freddy_admin.sync.lists.rows import ListingState
from freddy_admin.sync.models import Listing, ListingKind
from freddy_admin.sync.outcomes import OwnFailure
from freddy_admin.sync.policy import PRESS_AGAIN_AFTER, policy
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.selectors import LARGEST_ID, key_not_found

__all__ = ["listing_ask", "listing_read", "listing_request", "listing_state"]

log = logging.getLogger(__name__)

LIST_FRESH = timedelta(minutes=10)
FAILED_AGAIN_AFTER = timedelta(minutes=1)
# Asking again cures none of these: people who look do not make us try it every minute.
_LASTING = frozenset(
    {
        FailureKind.KEY_REFUSED,
        FailureKind.KEY_NOT_PERMITTED,
        FailureKind.INVALID_SECRET,
        OwnFailure.KEY_UNREADABLE,
    }
)


def listing_ask(
    *, organisation: Organisation, key: ApiKey, kind: ListingKind, now: datetime
) -> ListingState:
    """The state of the list; where it is not fresh any more, a new one is asked for.

    However many people look, it is asked for once: it stays wanted until its call has ended.
    Nothing is asked for with a key that is paused or not in use.
    """
    state = listing_state(organisation=organisation, key=key, kind=kind)
    if key.status != KeyStatus.ACTIVE or key.paused_at is not None:
        return state
    if not _wants_a_call(state, key, now):
        return state
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            _want(key, kind, state, now)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the page with it.
        log.warning("A list could not be asked for: %s", type(error).__name__)
        return state
    return replace(state, wanted_at=now)


def listing_request(
    *, organisation: Organisation, actor: Actor, key_id: int, kind: str
) -> CheckRequest:
    """A person's wish to have this list fetched now.

    Raises NotFound for a key that is not in use here and for a kind there is not, and Conflict
    when the key is paused.
    """
    now, wanted = clock.now(), _kind(kind)
    with transaction.atomic():
        key = _key(organisation, key_id)
        state = _locked_state(organisation, key, wanted)
        answer = _answer(state, key, now=now)
        if answer is Answer.ASKED:
            _request(key, wanted, now=now)
            audit_record(
                tag=Tag.CHECK_REQUESTED,
                actor=actor,
                place=Place(organisation.pk, organisation.name),
                subject=key.label,
                kind=wanted.value,
            )
    return CheckRequest(answer, held_until=state.hold_until if answer is Answer.HELD else None)


def _wants_a_call(state: ListingState, key: ApiKey, now: datetime) -> bool:
    if state.wanted_at is not None or state.running(now) or state.held(now):
        return False
    if state.checked_at is None or state.key_version != key.version:
        return True
    age = now - state.checked_at
    # A call that ended in the future: our clock was set back.
    return age >= _kept_for(state) or age < -CLOCK_TOLERANCE


def _kept_for(state: ListingState) -> timedelta:
    if state.error is not None and state.error.kind not in _LASTING:
        return FAILED_AGAIN_AFTER
    return max(policy().fresh, LIST_FRESH)


def _want(key: ApiKey, kind: ListingKind, state: ListingState, now: datetime) -> None:
    # The condition once more in SQL: another reader, or the worker, may have been faster.
    same = Listing.objects.filter(key=key, kind=kind, checked_at=state.checked_at, wanted_at=None)
    if not same.update(wanted_at=now) and state.key_version is None:
        row = Listing(key=key, kind=kind, key_version=key.version, wanted_at=now)
        row.organisation_id = key.organisation_id
        Listing.objects.bulk_create([row], ignore_conflicts=True)


def _kind(kind: str) -> ListingKind:
    if kind not in ListingKind.values:
        raise NotFound(_("There is no such list here."))
    return ListingKind(kind)


def _key(organisation: Organisation, key_id: int) -> ApiKey:
    keys = ApiKey.objects.filter(organisation=organisation, status=KeyStatus.ACTIVE)
    key = keys.defer("ciphertext").filter(pk=key_id).first() if 0 < key_id <= LARGEST_ID else None
    if key is None:
        raise key_not_found()
    if key.paused_at is not None:
        raise Conflict(_("This key is paused. Resume it: then its lists can be fetched again."))
    return key


def _locked_state(organisation: Organisation, key: ApiKey, kind: ListingKind) -> ListingState:
    rows = Listing.objects.select_for_update(of=("self",)).defer("items")
    made = {"organisation": organisation, "key_version": key.version}
    rows.get_or_create(key=key, kind=kind, defaults=made)
    return listing_state(organisation=organisation, key=key, kind=kind)


def _answer(state: ListingState, key: ApiKey, *, now: datetime) -> Answer:
    if state.running(now) or state.requested_at is not None:
        return Answer.JOINED
    mine = state.checked_at is not None and state.key_version == key.version
    age = now - state.checked_at if mine and state.checked_at else None
    # A negative age: our clock was set back, and the result is of no known age.
    if age is not None and timedelta() <= age < PRESS_AGAIN_AFTER:
        return Answer.JUST_CHECKED
    return Answer.HELD if state.held(now) else Answer.ASKED


def _request(key: ApiKey, kind: ListingKind, *, now: datetime) -> None:
    Listing.objects.filter(key=key, kind=kind).update(wanted_at=now, requested_at=now)

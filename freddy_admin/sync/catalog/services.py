"""Requests for the catalogs of a key: a page that shows an old one asks for a new one.

A page never calls Aitronos. It reads the latest good snapshot and marks an old one for a refresh;
the worker fetches it (`fetch_leases`).
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.audit.services import Actor, OrganisationRef, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.core.fair_shares import waiting_requests_validate_limit
from freddy_admin.core.tasks import QueueName, wake
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.catalog.selectors import catalog_state_get
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.checks.policy import REPEAT_REQUEST_AFTER, check_policy
from freddy_admin.sync.checks.requests import CheckRequest, CheckRequestOutcome
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.health import CLOCK_TOLERANCE
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot
from freddy_admin.sync.panel_copy import calls_validate_on
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.selectors import LARGEST_ID, key_not_found

log = logging.getLogger(__name__)

CATALOG_FRESH_FOR = timedelta(minutes=10)
RETRY_FAILED_AFTER = timedelta(minutes=1)
# Trying again cures none of these: a page that is open must not make us try every minute.
_PERMANENT_FAILURES = frozenset(
    {
        FailureKind.KEY_REFUSED,
        FailureKind.KEY_NOT_PERMITTED,
        FailureKind.INVALID_SECRET,
        LocalFailureKind.KEY_UNREADABLE,
    }
)


def catalog_request_refresh(
    *, organisation: Organisation, key: ApiKey, kind: CatalogKind, now: datetime
) -> CatalogState:
    """The state of the catalog; requests a refresh where it is not fresh any more.

    However many people look, it is requested once: the request stays until its fetch has ended.
    Nothing is requested with a key that is paused or not in use, or where calls are off.
    """
    state = catalog_state_get(organisation=organisation, key=key, kind=kind)
    if key.status != KeyLifecycle.ACTIVE or key.paused_at is not None:
        return state
    if not settings.AITRONOS_CALLS or not _needs_fetch(state, key, now):
        return state
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            _snapshot_request_refresh(key, kind, state, now)
            wake(QueueName.CATALOGS)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the page with it.
        log.warning("A list could not be asked for: %s", type(error).__name__)
        return state
    return replace(state, refresh_requested_at=now)


def catalog_fetch_request(
    *, organisation: Organisation, actor: Actor, key_id: int, kind: str
) -> CheckRequest:
    """A person's request to fetch this catalog now.

    Raises NotFound for a key that is not in use here and for an unknown kind, Conflict where the
    key is paused or calls are off, and TooManyWaiting.
    """
    calls_validate_on()
    now, catalog_kind = clock.now(), _parse_catalog_kind(kind)
    with transaction.atomic():
        key = _get_active_key(organisation, key_id)
        state = _ensure_and_lock_catalog_state(organisation, key, catalog_kind)
        outcome = _decide_request_outcome(state, key, now=now)
        if outcome is CheckRequestOutcome.ASKED:
            requested = CatalogSnapshot.objects.filter(requested_at__isnull=False)
            waiting_requests_validate_limit(
                of_organisation=requested.filter(organisation=organisation)
            )
            _snapshot_request_fetch(key, catalog_kind, now=now)
            audit_event_record(
                tag=AuditTag.CHECK_REQUESTED,
                actor=actor,
                organisation=OrganisationRef(organisation.pk, organisation.name),
                subject=key.label,
                kind=catalog_kind.value,
            )
    return CheckRequest(
        outcome, held_until=state.hold_until if outcome is CheckRequestOutcome.HELD else None
    )


def _needs_fetch(state: CatalogState, key: ApiKey, now: datetime) -> bool:
    if state.refresh_requested_at is not None or state.is_running(now) or state.is_held(now):
        return False
    if state.checked_at is None or state.key_version != key.version:
        return True
    age = now - state.checked_at
    # A fetch that ended in the future: our clock was set back.
    return age >= _fresh_duration(state) or age < -CLOCK_TOLERANCE


def _fresh_duration(state: CatalogState) -> timedelta:
    if state.error is not None and state.error.kind not in _PERMANENT_FAILURES:
        return RETRY_FAILED_AFTER
    return max(check_policy().fresh, CATALOG_FRESH_FOR)


def _snapshot_request_refresh(
    key: ApiKey, kind: CatalogKind, state: CatalogState, now: datetime
) -> None:
    # The condition once more in SQL: another request, or the worker, may have been faster.
    snapshots = CatalogSnapshot.objects.filter(
        key=key, kind=kind, checked_at=state.checked_at, refresh_requested_at=None
    )
    if not snapshots.update(refresh_requested_at=now) and state.key_version is None:
        snapshot = CatalogSnapshot(
            key=key, kind=kind, key_version=key.version, refresh_requested_at=now
        )
        snapshot.organisation_id = key.organisation_id
        CatalogSnapshot.objects.bulk_create([snapshot], ignore_conflicts=True)


def _parse_catalog_kind(kind: str) -> CatalogKind:
    if kind not in CatalogKind.values:
        raise NotFound(_("There is no such list here."))
    return CatalogKind(kind)


def _get_active_key(organisation: Organisation, key_id: int) -> ApiKey:
    keys = ApiKey.objects.filter(organisation=organisation, status=KeyLifecycle.ACTIVE)
    key = keys.defer("ciphertext").filter(pk=key_id).first() if 0 < key_id <= LARGEST_ID else None
    if key is None:
        raise key_not_found()
    if key.paused_at is not None:
        raise Conflict(_("This key is paused. Resume it: then its lists can be fetched again."))
    return key


def _ensure_and_lock_catalog_state(
    organisation: Organisation, key: ApiKey, kind: CatalogKind
) -> CatalogState:
    rows = CatalogSnapshot.objects.select_for_update(of=("self",)).defer("items")
    defaults = {"organisation": organisation, "key_version": key.version}
    rows.get_or_create(key=key, kind=kind, defaults=defaults)
    return catalog_state_get(organisation=organisation, key=key, kind=kind)


def _decide_request_outcome(
    state: CatalogState, key: ApiKey, *, now: datetime
) -> CheckRequestOutcome:
    if state.is_running(now) or state.requested_at is not None:
        return CheckRequestOutcome.JOINED
    is_of_key_version = state.checked_at is not None and state.key_version == key.version
    age = now - state.checked_at if is_of_key_version and state.checked_at else None
    # A negative age: our clock was set back, and the result is of no known age.
    if age is not None and timedelta() <= age < REPEAT_REQUEST_AFTER:
        return CheckRequestOutcome.JUST_CHECKED
    return CheckRequestOutcome.HELD if state.is_held(now) else CheckRequestOutcome.ASKED


def _snapshot_request_fetch(key: ApiKey, kind: CatalogKind, *, now: datetime) -> None:
    CatalogSnapshot.objects.filter(key=key, kind=kind).update(
        refresh_requested_at=now, requested_at=now
    )
    wake(QueueName.CATALOGS)

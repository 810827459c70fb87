"""Changes of a key together with its sync status, each in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.core.tasks import QueueName, wake
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.apply import sync_status_reset
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_result_apply, check_run_interrupt
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.recorder import (
    KeyChange,
    PendingHistory,
    history_event_create,
    key_change_record,
    pending_history_save,
)
from freddy_admin.sync.models import CatalogSnapshot, CheckOutcome, EventKind, SyncStatus
from freddy_admin.sync.status.names import status_names_write
from freddy_admin.sync.status.observation_cache import observation_cache_invalidate
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.locks import candidate_lock
from freddy_admin.vault.models import ApiKey, CandidateSecret, CandidateState, KeyLifecycle
from freddy_admin.vault.services.candidates import candidate_promote, candidate_retry_hourly
from freddy_admin.vault.services.keys import (
    api_key_pause,
    api_key_resume,
    api_key_revoke,
    api_key_update,
)

_BATCH = 500
_ACCEPTED_EVENTS = {
    CandidateState.UNTESTED: "kept_untested",
    CandidateState.DIFFERS: "kept_differing",
    CandidateState.REFUSED: "added",
}


def key_candidate_accept(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    version: int,
    state: CandidateState = CandidateState.UNTESTED,
) -> ApiKey:
    """Make a candidate that a person decides on the key's secret, due for a check at once.

    `state` is the one the person saw: UNTESTED, DIFFERS or REFUSED. A refused first secret is in
    use with its refusal known; beside a secret in use a refused one stays a candidate that is
    tested every hour, for it must not take the place of one that may work. Raises
    Conflict where the candidate is another one or in another state by now.
    """
    if state not in _ACCEPTED_EVENTS:
        raise Conflict(_("There is nothing to decide about this new key. Look at it again."))
    with transaction.atomic():
        locked_key, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        if state == CandidateState.REFUSED and locked_key.status != KeyLifecycle.DRAFT:
            candidate_retry_hourly(organisation=organisation, actor=actor, key=key, version=version)
            return locked_key
        promoted = candidate_promote(
            organisation=organisation, actor=actor, key=key, version=version, state=state
        )
        key_monitoring_start(keys=[promoted], actor=actor, event=_ACCEPTED_EVENTS[state])
        if state == CandidateState.REFUSED:
            known_refusals_record(pairs=[(promoted, candidate)])
    return promoted


def known_refusals_record(*, pairs: Sequence[tuple[ApiKey, CandidateSecret]]) -> None:
    """Let the refused test of each secret be the first check of its new key.

    So the key shows from the start what Aitronos said; the worker confirms it at once and goes on
    every hour. Call inside the transaction that began to watch the keys.
    """
    pending_history = PendingHistory()
    rows = SyncStatus.objects.select_for_update().in_bulk([key.pk for key, _secret in pairs])
    for key, secret in pairs:
        row = rows[key.pk]
        check_result_apply(
            row,
            key,
            _check_result_from_test(key, secret),
            policy=check_policy(),
            pending_history=pending_history,
        )
        row.save()
    pending_history_save(pending_history)


def _check_result_from_test(key: ApiKey, secret: CandidateSecret) -> CheckResult:
    return CheckResult(
        key_id=key.pk,
        key_version=key.version,
        token="",
        finished_at=secret.tested_at or clock.now(),
        outcome=CheckOutcome.REFUSED,
        environment=secret.environment,
        failure=CallFailure(
            kind=secret.result_kind,
            code=secret.result_code,
            http_status=secret.result_http_status,
            message=secret.result_message,
            trace_id=secret.result_trace_id,
            request_id=secret.result_request_id,
            system_message=secret.result_system_message,
            error_type=secret.result_error_type,
            timestamp=secret.result_timestamp,
        ),
    )


def key_update(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    details: KeyDetails,
    revision: str | None = None,
) -> ApiKey:
    """Change a key's details; with another grace period it is due for a check at once.

    `revision` and the errors are those of the vault's `api_key_update`.
    """
    with transaction.atomic():
        updated = api_key_update(
            organisation=organisation, actor=actor, key=key, details=details, revision=revision
        )
        if updated.grace_minutes != key.grace_minutes:
            SyncStatus.objects.filter(pk=key.pk).update(next_check_at=clock.now())
        history_event_create(
            key=updated, kind=EventKind.KEY_CHANGED, details={"what": "edited"}, actor=actor.name
        )
    return updated


def key_pause(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Stop checking this key until a person resumes it."""
    with transaction.atomic():
        api_key_pause(organisation=organisation, actor=actor, key=key)
        row = SyncStatus.objects.select_for_update().filter(pk=key.pk).first()
        if row is not None and row.recorded_state != HealthState.PAUSED:
            _record_key_transition(row, KeyChange("paused", HealthState.PAUSED), actor=actor)
            row.refusal = None  # a paused key counts among no others
            row.save()


def key_resume(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Check this key again, at once and as if for the first time; unpaused keys are left alone."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, paused_at__isnull=False).exists():
            return
        resumed = api_key_resume(organisation=organisation, actor=actor, key=key)
        key_monitoring_start(keys=[resumed], actor=actor, event="resumed")


def key_revoke(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Wipe the secret and forget the figures; history and audit log keep that there was a key."""
    with transaction.atomic():
        api_key_revoke(organisation=organisation, actor=actor, key=key)
        row = SyncStatus.objects.select_for_update().filter(pk=key.pk).first()
        if row is not None:
            _record_key_transition(row, KeyChange("revoked", None), actor=actor)
            row.delete()
        CatalogSnapshot.objects.filter(key=key).delete()


def key_monitoring_start(
    *, keys: Sequence[ApiKey], actor: Actor = WORKER, event: str = "replaced"
) -> None:
    """Give each of these keys a sync status, reset and due for a check at once.

    `event` is what happened to keys that have one already; the history shows the others as added.
    """
    now = clock.now()
    for start in range(0, len(keys), _BATCH):
        batch, pending_history = keys[start : start + _BATCH], PendingHistory()
        with transaction.atomic():
            known_rows = SyncStatus.objects.select_for_update().in_bulk([key.pk for key in batch])
            for row, key in ((known_rows[key.pk], key) for key in batch if key.pk in known_rows):
                check_run_interrupt(row, pending_history=pending_history, now=now)
                sync_status_reset(row, version=key.version, environment=key.environment)
                _restart_sync_status(
                    row, event, actor=actor, now=now, pending_history=pending_history
                )
                row.save()
            new_rows = [
                SyncStatus(key=key, organisation_id=key.organisation_id, key_version=key.version)
                for key in batch
                if key.pk not in known_rows
            ]
            for row in new_rows:
                _restart_sync_status(
                    row, "added", actor=actor, now=now, pending_history=pending_history
                )
            SyncStatus.objects.bulk_create(new_rows)
            status_names_write(key_ids=[row.pk for row in new_rows])
            pending_history_save(pending_history)
        invalidate_cache = partial(observation_cache_invalidate, rows=list(known_rows.values()))
        transaction.on_commit(invalidate_cache)
    wake(QueueName.CHECKS)


def _restart_sync_status(
    row: SyncStatus, event: str, *, actor: Actor, now: datetime, pending_history: PendingHistory
) -> None:
    row.state, row.state_since, row.state_rule = HealthState.NOT_CHECKED, now, 4
    row.next_check_at, row.updated_at = now, now
    # A check of the former secret that still runs keeps its lease, so that no two run at once;
    # its answer is thrown away for the version it asked for, and the key is due all the same.
    row.requested_at, row.requested_by = None, ""
    key_change_record(
        pending_history, row, KeyChange(event, HealthState.NOT_CHECKED), actor=actor.name, now=now
    )


def _record_key_transition(row: SyncStatus, change: KeyChange, *, actor: Actor) -> None:
    """Record in the history what happened to a monitored key and what it means for its state."""
    pending_history, now = PendingHistory(), clock.now()
    check_run_interrupt(row, pending_history=pending_history, now=now)
    key_change_record(pending_history, row, change, actor=actor.name, now=now)
    pending_history_save(pending_history)

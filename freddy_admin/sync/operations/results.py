"""Results of operations: saved once, recorded in the history, watched where they are unclear."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from freddy_admin.audit.services import WORKER, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.clock_skew import has_clock_skew
from freddy_admin.core.leases import expired_leases, held_row_lock
from freddy_admin.core.tasks import QueueName, wake
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.sync.checks.budget import key_calls_record
from freddy_admin.sync.checks.policy import unsent_operations_cutoff
from freddy_admin.sync.checks.results import CallFailure
from freddy_admin.sync.history.recorder import failure_ids, history_event_create
from freddy_admin.sync.models import (
    CatalogKind,
    CatalogSnapshot,
    EventKind,
    OperationState,
    RemoteOperation,
    SyncStatus,
)
from freddy_admin.sync.models.operations import OperationKind
from freddy_admin.sync.operations.remote_call import (
    OperationClaim,
    OperationResult,
    operation_lease_duration,
)

WORKER_LOST = CallFailure(kind="worker_lost")
NOT_CLAIMED = CallFailure(kind="not_taken")
# Details of the history that the audit log goes without.
_HISTORY_ALONE = frozenset({"what", "message", "trace_id", "request_id"})


def operation_results_save(results: Sequence[OperationResult]) -> list[int]:
    """Save these results; returns the ids of the operations that were still waiting for one.

    A result that comes after the operation was given up as lost is saved all the same: it is the
    truth. An operation that has its result keeps it.
    """
    saved_ids = [result.operation_id for result in results if _operation_result_save(result)]
    key_calls_record([(result.key_id, result.usage) for result in results])
    return saved_ids


def lost_operations_close(*, now: datetime) -> int:
    """Close the operations whose worker was lost, as unclear; returns how many there were."""
    sending = RemoteOperation.objects.filter(state=OperationState.SENDING)
    lost = expired_leases(sending, now=now, duration=operation_lease_duration())
    results = [
        OperationResult(pk, key_id, token, now, OperationState.UNCLEAR, failure=WORKER_LOST)
        for pk, key_id, token in lost.values_list("pk", "key_id", "lease_token")[:50]
    ]
    return len(operation_results_save(results))


def queued_operations_expire(*, now: datetime) -> int:
    """Refuse what no worker has claimed for half an hour; returns how many there were.

    Nothing of it was sent.
    """
    overdue = RemoteOperation.objects.filter(
        state=OperationState.QUEUED, requested_at__lte=unsent_operations_cutoff(now)
    ).values_list("pk", "key_id")
    results = [
        OperationResult(pk, key_id, "", now, OperationState.REFUSED, failure=NOT_CLAIMED)
        for pk, key_id in overdue[:50]
    ]
    # While the clocks disagree such an operation is neither sent nor expired.
    if results and has_clock_skew():
        return 0
    return len(operation_results_save(results))


def operation_claims_abandon(claims: Sequence[OperationClaim], *, now: datetime) -> None:
    """Close the operations whose calls this worker leaves as it stops: their result is unclear."""
    lost = OperationState.UNCLEAR
    operation_results_save(
        [
            OperationResult(claim.row_id, claim.key_id, claim.token, now, lost, failure=WORKER_LOST)
            for claim in claims
        ]
    )


def _operation_result_save(result: OperationResult) -> bool:
    with transaction.atomic():
        # The key's row first, as the checks do, or two workers could wait for each other.
        row = SyncStatus.objects.select_for_update().filter(pk=result.key_id).first()
        operations = RemoteOperation.objects.select_related("key__organisation")
        operation = _lock_operation(operations.filter(pk=result.operation_id), result)
        if operation is None or not _accepts_result(operation, result):
            return False
        _operation_set_result(operation, result)
        if operation.kind == OperationKind.SYNC and row is not None:
            _sync_status_apply_operation_result(row, operation, result)
        if operation.kind == OperationKind.SWITCH and operation.state != OperationState.REFUSED:
            connectors = CatalogSnapshot.objects.filter(
                key_id=result.key_id, kind=CatalogKind.CONNECTORS
            )
            connectors.update(refresh_requested_at=result.finished_at)
            wake(QueueName.CATALOGS)
        _record_operation_end_event(operation)
    return True


def _lock_operation(
    operations: QuerySet[RemoteOperation], result: OperationResult
) -> RemoteOperation | None:
    if result.failure is NOT_CLAIMED:
        return operations.select_for_update(no_key=True, of=("self",)).first()
    return held_row_lock(operations, token=result.token)


def _accepts_result(operation: RemoteOperation, result: OperationResult) -> bool:
    if result.failure is NOT_CLAIMED:
        return operation.state == OperationState.QUEUED
    is_late_answer = operation.error_kind == WORKER_LOST.kind and result.failure is not WORKER_LOST
    return operation.state == OperationState.SENDING or is_late_answer


def _operation_set_result(operation: RemoteOperation, result: OperationResult) -> None:
    failure = result.failure or CallFailure(kind="")
    operation.state = result.state
    operation.finished_at = result.finished_at
    operation.result = result.result
    operation.lease_until = None
    operation.error_kind, operation.error_code = failure.kind, failure.code
    operation.error_http_status, operation.error_message = failure.http_status, failure.message
    operation.trace_id, operation.request_id = failure.trace_id, result.request_id
    operation.save()


def _sync_status_apply_operation_result(
    row: SyncStatus, operation: RemoteOperation, result: OperationResult
) -> None:
    """Show the result with the key, and have it checked at once: did `last_sync_at` move?"""
    if row.operation_requested_at != operation.requested_at:
        return
    # While it waited for the worker, a scheduled sync may have come: that was not this one.
    sent_at = (operation.sent_at or operation.requested_at).replace(microsecond=0)
    is_refused = operation.state == OperationState.REFUSED
    is_confirmed = row.last_sync_at is not None and row.last_sync_at >= sent_at
    row.operation_state = operation.state
    if is_refused or is_confirmed:
        row.operation_requested_at, row.operation_requested_by, row.operation_state = None, "", ""
    if is_confirmed and not is_refused:
        RemoteOperation.objects.filter(pk=operation.pk).update(confirmed_sync_at=row.last_sync_at)
    row.next_check_at = min(row.next_check_at, result.finished_at)
    row.updated_at = result.finished_at
    operation_fields = ["operation_requested_at", "operation_requested_by", "operation_state"]
    row.save(update_fields=[*operation_fields, "next_check_at", "updated_at"])
    wake(QueueName.CHECKS)


def _record_operation_end_event(operation: RemoteOperation) -> None:
    is_sync, event_name = operation.kind == OperationKind.SYNC, f"{operation.kind}_ended"
    details: dict[str, object] = {"what": event_name, "outcome": str(operation.state)}
    if is_sync:
        member_names = ("synced", "created", "updated", "unchanged", "message")
        details |= {
            name: operation.result[name] for name in member_names if name in operation.result
        }
    else:
        details |= {
            "tool": operation.tool_key,
            "name": operation.tool_name,
            "enable": operation.enable,
        }
    if operation.error_kind:
        details |= {"kind": operation.error_kind, "http": operation.error_http_status}
        details |= {"code": operation.error_code} if operation.error_code else {}
        details |= {"message": operation.error_message} if operation.error_message else {}
        details |= failure_ids(operation.trace_id, operation.request_id)
    history_event_create(
        key=operation.key,
        kind=EventKind.PERSON_ACTION,
        details=details,
        actor=operation.requested_by,
    )
    audit_event_record(
        tag=AuditTag.SYNC_ENDED if is_sync else AuditTag.CONNECTOR_SWITCH_ENDED,
        actor=WORKER,
        organisation=organisation_audit_ref(operation.key.organisation),
        subject=operation.key.label,
        **{name: value for name, value in details.items() if name not in _HISTORY_ALONE},
    )

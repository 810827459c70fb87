"""The one call of a remote operation: claimed once, sent once at most, and its result.

The claim is committed before anything is sent. A worker that dies afterwards leaves an operation of
which nobody knows whether it arrived: it is never sent again, and the panel says so. A worker that
is stopped and wakes up later reads the row once more, immediately before the first byte.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from freddy_admin.aitronos.client import ApiClients
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.response_parsing import OPTIONAL_SYNC_FIELDS
from freddy_admin.aitronos.types import CallInfo, SyncStartedResponse
from freddy_admin.core import clock
from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import Lease, lease_may_send, leased_rows_list, leases_acquire
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.sync.checks.budget import CallUsage, call_usage
from freddy_admin.sync.checks.policy import MomentT, unsent_operations_cutoff
from freddy_admin.sync.checks.results import (
    CallFailure,
    LocalFailureKind,
    call_failure_from_error,
)
from freddy_admin.sync.key_leases import KeyLease, key_lease_open_secret, key_lease_values
from freddy_admin.sync.models import OperationKind, OperationState, RemoteOperation, SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit

log = logging.getLogger(__name__)
# With these statuses nothing was begun: the request itself was rejected.
_REJECTED_HTTP_STATUSES = frozenset({400, 401, 403, 404, 405, 409, 413, 422, 429, *range(300, 400)})


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationClaim(KeyLease):
    """A lease on one operation that is ours to send."""

    kind: OperationKind
    full: bool
    tool_key: str
    enable: bool


@dataclass(frozen=True, slots=True)
class OperationResult:
    """The result of an operation: `state` is done, refused or unclear."""

    operation_id: int
    key_id: int
    token: str
    finished_at: datetime
    state: OperationState
    result: dict[str, Any] = field(default_factory=dict)
    failure: CallFailure | None = None
    request_id: str = ""
    usage: CallUsage = field(default_factory=CallUsage)


def operation_lease_duration() -> timedelta:
    """How long a call may take, with a margin: afterwards no worker waits for its response."""
    longest_seconds = settings.AITRONOS_CONNECT_TIMEOUT + settings.AITRONOS_SYNC_TIMEOUT
    return clock.real_seconds_to_panel_duration(longest_seconds + 15.0)


def operations_queued(now: MomentT) -> QuerySet[RemoteOperation]:
    """The operations that wait to be sent and have not waited for too long."""
    return RemoteOperation.objects.filter(
        state=OperationState.QUEUED, requested_at__gt=unsent_operations_cutoff(now)
    )


def operations_claim(
    *, limit: int, now: datetime, shares: Shares | None = None
) -> list[OperationClaim]:
    """Claim up to `limit` queued operations, the oldest first; each is `sending` from here on.

    With `shares` those of each organisation, and each person, in turn. None where the database may
    be a copy.
    """
    if panel_copied_from():
        return []  # the panel itself may be sending them
    queued = RemoteOperation.objects.filter(
        state=OperationState.QUEUED, requested_at__gt=unsent_operations_cutoff(now)
    )
    key_versions = ApiKey.objects.filter(pk=OuterRef("key_id")).values("version")
    leases = leases_acquire(
        queued.order_by("requested_at", "pk"),
        limit=limit,
        now=now,
        duration=operation_lease_duration(),
        shares=shares,
        state=OperationState.SENDING,
        sent_at=now,
        key_version=Subquery(key_versions),
    )
    operations = leased_rows_list(RemoteOperation.objects.select_related("key"), leases)
    for _lease, operation in operations:
        # A row at a time: several in one statement could deadlock with a batch of checks.
        statuses = SyncStatus.objects.filter(
            pk=operation.key_id, operation_requested_at=operation.requested_at
        )
        statuses.filter(operation_state=OperationState.QUEUED).update(
            operation_state=OperationState.SENDING
        )
    return [_build_claim(lease, operation) for lease, operation in operations]


def operation_send(clients: ApiClients, claim: OperationClaim) -> OperationResult:
    """Send the operation to its key's environment, unless it is not ours any more. Never raises.

    Writes nothing to the database; runs in any thread. The result is refused, with the failure
    `withheld`, where our lease was over before the first byte.
    """
    if claim.ciphertext is None:
        return _build_result(claim, OperationState.REFUSED, failure=CallFailure(kind="key_changed"))
    try:
        return _send_request(clients, claim)
    except Exception as error:  # noqa: BLE001  one operation must never take the others with it
        failure = call_failure_from_error(error)
        if failure.kind == LocalFailureKind.INTERNAL:
            log.error("Order %s broke: %s", claim.row_id, type(error).__name__)  # noqa: TRY400
        state = operation_state_after_error(error, kind=claim.kind)
        return _build_result(claim, state, failure=failure)


def operation_state_after_error(error: Exception, *, kind: OperationKind) -> OperationState:
    """Refused where it is certain that nothing was begun, else unclear: it may run all the same.

    A sync's 200 that names its job is done, though its figures cannot be read. Any other 200,
    such as a web page, is not the response of a sync.
    """
    if isinstance(error, KeyUnreadable | MasterKeyMisfit):
        return OperationState.REFUSED
    if not isinstance(error, AitronosError):
        return OperationState.UNCLEAR
    if not error.request_sent or error.http_status in _REJECTED_HTTP_STATUSES:
        return OperationState.REFUSED
    is_done = error.http_status == 200 and error.field in OPTIONAL_SYNC_FIELDS
    return OperationState.DONE if is_done and kind == OperationKind.SYNC else OperationState.UNCLEAR


def operation_may_send(claim: OperationClaim, seconds: float) -> bool:
    """Whether the operation is still ours to send, in a call of so many real seconds.

    Called immediately before the first byte. No transaction is held.
    """
    sending = RemoteOperation.objects.filter(pk=claim.row_id, state=OperationState.SENDING)
    return lease_may_send(sending, claim, seconds=seconds)


def _send_request(clients: ApiClients, claim: OperationClaim) -> OperationResult:
    client, may_send = (
        clients.for_environment(claim.environment),
        partial(operation_may_send, claim),
    )
    if claim.kind == OperationKind.SYNC:
        started = client.start_sync(
            secret=key_lease_open_secret(claim),
            full=claim.full,
            read_timeout=settings.AITRONOS_SYNC_TIMEOUT,
            may_send=may_send,
        )
        figures = _sync_result_values(started.value)
        return _build_result(claim, OperationState.DONE, result=figures, info=started.info)
    switched = client.switch_tool(
        secret=key_lease_open_secret(claim),
        tool_key=claim.tool_key,
        enabled=claim.enable,
        may_send=may_send,
    )
    result_values = {"message": switched.value.message}
    return _build_result(claim, OperationState.DONE, result=result_values, info=switched.info)


def _sync_result_values(started: SyncStartedResponse) -> dict[str, Any]:
    return {
        "job_id": started.job_id,
        "status": started.status,
        "synced": started.tools_synced,
        "created": started.tools_created,
        "updated": started.tools_updated,
        "unchanged": started.tools_unchanged,
        "mode": started.sync_mode,
        "message": started.message,
    }


def _build_result(
    claim: OperationClaim,
    state: OperationState,
    *,
    result: dict[str, Any] | None = None,
    failure: CallFailure | None = None,
    info: CallInfo | None = None,
) -> OperationResult:
    finished_at = clock.now()
    return OperationResult(
        operation_id=claim.row_id,
        key_id=claim.key_id,
        token=claim.token,
        finished_at=finished_at,
        state=state,
        result=result or {},
        failure=failure,
        request_id=failure.request_id if failure else info.request_id if info else "",
        usage=call_usage(info, failure, at=finished_at, environment=claim.environment),
    )


def _build_claim(lease: Lease, operation: RemoteOperation) -> OperationClaim:
    key = operation.key
    values = key_lease_values(lease, key)
    if key.status != KeyLifecycle.ACTIVE or key.paused_at is not None:
        values["ciphertext"] = None
    return OperationClaim(
        kind=OperationKind(operation.kind),
        full=operation.full,
        tool_key=operation.tool_key,
        enable=operation.enable,
        **values,
    )

"""Requests for remote operations: each is a row that the worker sends once at most.

A page creates the row, the worker sends it; its result is shown on the page and in the history.
Nothing here calls the API.
"""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.core.fair_shares import waiting_requests_validate_limit
from freddy_admin.core.tasks import QueueName, wake
from freddy_admin.organisations.access import (
    actor_display_name,
    organisation_audit_ref,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.recorder import history_event_create
from freddy_admin.sync.models import (
    EventKind,
    OperationBatch,
    OperationKind,
    OperationState,
    RemoteOperation,
    SyncStatus,
)
from freddy_admin.sync.models.operations import UNFINISHED_STATES
from freddy_admin.sync.operations.results import queued_operations_expire
from freddy_admin.sync.panel_copy import operations_validate_allowed
from freddy_admin.vault.models import ApiKey, KeyLifecycle

MAX_BATCH_SIZE = 100
TOOL_KEY_LENGTH, TOOL_NAME_LENGTH = 128, 120


def sync_operation_create(
    *,
    organisation: Organisation,
    actor: Actor,
    key_id: int,
    full: bool,
    batch: OperationBatch | None = None,
) -> RemoteOperation:
    """Request a sync with this key: of what changed, or of everything (`full`).

    Raises NotFound, Conflict where the key is paused, a sync runs already or the panel may be a
    copy, and TooManyWaiting.
    """
    operations_validate_allowed()
    queued_operations_expire(now=clock.now())
    with transaction.atomic():
        key = _lock_active_key(organisation, key_id)
        syncs = RemoteOperation.objects.filter(key=key, kind=OperationKind.SYNC)
        unfinished = syncs.filter(state__in=UNFINISHED_STATES).first()
        if unfinished is not None:
            raise Conflict(
                _("A sync that %(who)s asked for runs already. Wait for it to end.")
                % {"who": actor_display_name(unfinished.requested_by)}
            )
        operation = _build_operation(key, actor, OperationKind.SYNC)
        operation.full, operation.batch = full, batch
        _operation_insert(operation)
        SyncStatus.objects.filter(pk=key.pk).update(
            operation_requested_at=operation.requested_at,
            operation_requested_by=operation.requested_by,
            operation_state=operation.state,
        )
        _operation_request_record(operation, key, AuditTag.SYNC_REQUESTED, actor, full=full)
    return operation


def switch_operation_create(  # noqa: PLR0913  what is switched, by name
    *,
    organisation: Organisation,
    actor: Actor,
    key_id: int,
    tool_key: str,
    tool_name: str,
    enable: bool,
) -> RemoteOperation:
    """Request that one connector is switched on or off.

    Raises NotFound, InvalidInput for a key that names no connector, Conflict where the API key is
    paused, this connector is being switched already or the panel may be a copy, and TooManyWaiting.
    """
    tool = tool_key_clean(tool_key)
    operations_validate_allowed()
    queued_operations_expire(now=clock.now())
    with transaction.atomic():
        key = _lock_active_key(organisation, key_id)
        operation = _build_operation(key, actor, OperationKind.SWITCH)
        operation.tool_key, operation.tool_name = tool, tool_name[:TOOL_NAME_LENGTH] or tool
        operation.enable = enable
        _operation_insert(operation)
        _operation_request_record(
            operation,
            key,
            AuditTag.CONNECTOR_SWITCH_REQUESTED,
            actor,
            tool=operation.tool_key,
            name=operation.tool_name,
            enable=enable,
        )
    return operation


def tool_key_clean(value: str) -> str:
    """A connector's key as it can stand in an address. Raises InvalidInput."""
    text = value.strip()
    if not text or text in {".", ".."} or len(text) > TOOL_KEY_LENGTH or not text.isprintable():
        raise InvalidInput(
            _("Give the connector's key, such as gmail: at most 128 plain characters."),
            field="tool",
        )
    return text


def operation_batch_create(*, actor: Actor) -> OperationBatch:
    """A batch for several operations that are requested together."""
    return OperationBatch.objects.create(created_at=clock.now(), created_by=actor.name[:254])


def _lock_active_key(organisation: Organisation, key_id: int) -> ApiKey:
    keys = ApiKey.objects.select_for_update(of=("self",), no_key=True)
    key = keys.filter(pk=key_id, organisation=organisation, status=KeyLifecycle.ACTIVE).first()
    if key is None:
        raise NotFound(_("There is no such key here."))
    if key.paused_at is not None:
        raise Conflict(_("This key is paused. Resume it before you ask Aitronos for anything."))
    return key


def _build_operation(key: ApiKey, actor: Actor, kind: OperationKind) -> RemoteOperation:
    return RemoteOperation(
        organisation_id=key.organisation_id,
        key=key,
        key_version=key.version,
        kind=kind,
        state=OperationState.QUEUED,
        requested_at=clock.now(),
        requested_by=actor.name[:254],
        requested_by_id=actor.id,
    )


def _operation_insert(operation: RemoteOperation) -> None:
    queued = RemoteOperation.objects.filter(state=OperationState.QUEUED)
    person_id = operation.requested_by_id
    waiting_requests_validate_limit(
        of_organisation=queued.filter(organisation=operation.organisation_id),
        of_person=queued.filter(requested_by_id=person_id) if person_id is not None else None,
    )
    # The database's constraint is the lock: of two people who press at once, one gets the sync.
    try:
        with transaction.atomic():
            operation.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("This was asked for already, a moment ago. Wait for it to end.")) from None
    wake(QueueName.OPERATIONS)


def _operation_request_record(
    operation: RemoteOperation, key: ApiKey, tag: AuditTag, actor: Actor, **details: object
) -> None:
    history_event_create(
        key=key,
        kind=EventKind.PERSON_ACTION,
        details={"what": str(operation.kind)} | details,
        actor=actor.name,
    )
    audit_event_record(
        tag=tag,
        actor=actor,
        organisation=organisation_audit_ref(key.organisation),
        subject=key.label,
        **details,
    )

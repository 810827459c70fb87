"""Operations as pages and programs read them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import (
    organisations_visible,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync import health
from freddy_admin.sync.models import (
    OperationKind,
    RemoteOperation,
    SyncStatus,
)


def operation_get(
    *, user: User, operation_id: int, organisation_ids: Collection[int] | None = None
) -> RemoteOperation:
    """An operation of an organisation that `user` may see, of `organisation_ids` where given.

    Raises NotFound, with the same words for a missing operation and for somebody else's.
    """
    organisations = organisations_visible(user=user)
    if organisation_ids is not None:
        organisations = organisations.filter(pk__in=organisation_ids)
    operations = RemoteOperation.objects.filter(pk=operation_id, organisation__in=organisations)
    operation = operations.select_related("key", "organisation").first()
    if operation is None:
        raise NotFound(_("There is no such order, or it is not yours to see."))
    return operation


def batch_operation_list(*, user: User, batch_id: UUID) -> list[RemoteOperation]:
    """The operations of a batch that `user` may see, by name; raises NotFound where none is."""
    organisations = organisations_visible(user=user)
    operations = RemoteOperation.objects.filter(batch_id=batch_id, organisation__in=organisations)
    visible = list(operations.select_related("key__sync_status", "organisation", "batch"))
    if not visible:
        raise NotFound(_("There is no such list of syncs, or it is not yours to see."))
    return sorted(
        visible, key=lambda operation: (operation.organisation.name.casefold(), operation.key.label)
    )


def is_sync_confirmation_late(operation: RemoteOperation, *, now: datetime) -> bool:
    """Whether the sync should have been seen by now.

    Reads `key.sync_status`: select it with the operation.
    """
    row: SyncStatus | None = getattr(operation.key, "sync_status", None)
    if row is None:
        return True  # the key is checked no more
    minutes = operation.key.grace_minutes
    own_grace = None if minutes is None else timedelta(minutes=minutes)
    schedule = health.SyncSchedule(row.last_sync_at, row.next_sync_at, row.sync_interval_hours)
    return now > operation.requested_at + health.grace_period(schedule, own_grace)


def latest_sync_operation_by_key(
    *, organisation: Organisation, key_ids: Sequence[int]
) -> dict[int, RemoteOperation]:
    """Key id → the latest sync requested with it in the last 24 hours; one query."""
    operations = RemoteOperation.objects.filter(
        organisation=organisation, kind=OperationKind.SYNC, key_id__in=list(key_ids)
    )
    # Older results are history: the timeline has them.
    recent = operations.filter(requested_at__gte=clock.now() - timedelta(days=1))
    return {operation.key_id: operation for operation in recent.order_by("requested_at", "pk")}


def switch_operation_list(
    *, organisation: Organisation, key_id: int, limit: int = 20
) -> list[RemoteOperation]:
    """Connector switches requested with this key, the latest first."""
    operations = RemoteOperation.objects.filter(
        organisation=organisation, kind=OperationKind.SWITCH, key_id=key_id
    )
    return list(operations.order_by("-requested_at", "-pk")[:limit])

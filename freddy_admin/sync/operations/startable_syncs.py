"""With which keys a user may start a sync, and which of them would start the same one."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.access import organisations_visible
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import OperationBatch
from freddy_admin.sync.operations.services import (
    MAX_BATCH_SIZE,
    operation_batch_create,
    sync_operation_create,
)
from freddy_admin.sync.status.queries import (
    OverviewFilters,
    list_values,
    sync_statuses_visible,
)
from freddy_admin.sync.status.rows import KeyRow, key_row_from_values
from freddy_admin.sync.status.selectors import overview_key_rows

# Aitronos would refuse these, or must not be called: another step comes first.
_UNSTARTABLE_STATES = frozenset(
    {
        HealthState.PAUSED,
        HealthState.KEY_UNREADABLE,
        HealthState.KEY_REJECTED,
        HealthState.KEY_NOT_PERMITTED,
    }
)


def startable_sync_rows(*, user: User, filters: OverviewFilters, now: datetime) -> list[KeyRow]:
    """The first `MAX_BATCH_SIZE` keys of the filtered list with which a sync may be started."""
    rows = overview_key_rows(user=user, filters=filters, now=now)
    return list(islice(_filter_startable(rows), MAX_BATCH_SIZE))


def startable_sync_rows_by_ids(
    *, user: User, key_ids: Collection[int], now: datetime
) -> list[KeyRow]:
    """The rows of `key_ids` with which this user may start a sync, worst first.

    Raises InvalidInput where there is none, and for more than `MAX_BATCH_SIZE` ids.
    """
    if len(key_ids) > MAX_BATCH_SIZE:
        raise InvalidInput(
            _("Choose at most %(n)d at once; the others can follow.") % {"n": MAX_BATCH_SIZE}
        )
    rows = sync_statuses_visible(user=user, now=now).filter(pk__in=list(key_ids))
    values_list = list_values(rows, user=user, sort="state", now=now)
    startable = list(
        _filter_startable(key_row_from_values(values, user=user, now=now) for values in values_list)
    )
    if not startable:
        raise InvalidInput(_("Choose at least one organisation whose sync you may start."))
    return startable


def group_rows_by_figures(rows: Sequence[KeyRow]) -> list[list[KeyRow]]:
    """Groups of rows of one environment with the very same figures: likely one sync."""
    groups: dict[object, list[KeyRow]] = {}
    for row in rows:
        if row.figures is not None and row.figures.last_sync_at is not None:
            groups.setdefault((row.environment, row.figures), []).append(row)
    return [group for group in groups.values() if len(group) > 1]


def drop_duplicate_figures(rows: Sequence[KeyRow]) -> list[KeyRow]:
    """The rows without those that report the same figures as one before them."""
    duplicate_ids = {row.key_id for group in group_rows_by_figures(rows) for row in group[1:]}
    return [row for row in rows if row.key_id not in duplicate_ids]


def key_rows_sharing_sync(*, user: User, row: KeyRow, now: datetime) -> list[KeyRow]:
    """Up to ten other keys that `user` may see and that report the very same sync as `row`."""
    if row.figures is None or row.figures.last_sync_at is None or row.figures_are_former:
        return []
    visible = sync_statuses_visible(user=user, now=now).exclude(pk=row.key_id)
    same_figures = visible.filter(
        total_tools=row.figures.total_tools,
        enabled_tools=row.figures.enabled_tools,
        last_sync_at=row.figures.last_sync_at,
        next_sync_at=row.figures.next_sync_at,
        figures_are_former=False,
        key__environment=row.environment,
    )
    values_list = list_values(same_figures, user=user, sort="organisation", now=now)[:10]
    other_rows = [key_row_from_values(values, user=user, now=now) for values in values_list]
    return [other_row for other_row in other_rows if other_row.figures == row.figures]


def sync_batch_create(
    *, user: User, actor: Actor, rows: Sequence[KeyRow], full: bool
) -> tuple[OperationBatch | None, list[str]]:
    """Request a sync with each row; returns the batch, and a message for each row left out.

    The batch is None where no sync could be requested.
    """
    organisations = organisations_visible(user=user).in_bulk([row.organisation_id for row in rows])
    batch, created_count, skipped_messages = operation_batch_create(actor=actor), 0, []
    for row in rows:
        try:
            _row_sync_operation_create(
                row, organisations.get(row.organisation_id), actor, full=full, batch=batch
            )
            created_count += 1
        except (Conflict, NotFound) as error:
            reason = {"name": row.organisation_name, "reason": error.message}
            skipped_messages.append(_("%(name)s: %(reason)s") % reason)
    if not created_count:
        batch.delete()
        return None, skipped_messages
    return batch, skipped_messages


def _row_sync_operation_create(
    row: KeyRow,
    organisation: Organisation | None,
    actor: Actor,
    *,
    full: bool,
    batch: OperationBatch,
) -> None:
    if organisation is None:
        raise NotFound(_("There is no such key here."))
    sync_operation_create(
        organisation=organisation, actor=actor, key_id=row.key_id, full=full, batch=batch
    )


def _filter_startable(rows: Iterable[KeyRow]) -> Iterator[KeyRow]:
    return (
        row
        for row in rows
        if Permission.START_SYNC in row.permissions and row.state not in _UNSTARTABLE_STATES
    )

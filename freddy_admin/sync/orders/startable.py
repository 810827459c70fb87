"""With which keys this person may start a sync, and which of them would start the same one."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound, PublicError
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.models import OrderBatch
from freddy_admin.sync.orders.placing import BATCH_AT_MOST, batch_open, order_sync
from freddy_admin.sync.querying import COLUMNS, listed, ordered, row_of, visible_rows
from freddy_admin.sync.rows import Filters, KeyRow
from freddy_admin.sync.selectors import overview_rows
from freddy_admin.sync.states import State

# Aitronos would refuse these, or nobody is to call it: another step comes first.
_NOT_WITH_THIS_KEY = frozenset(
    {
        State.PAUSED,
        State.KEY_UNREADABLE,
        State.KEY_REJECTED,
        State.KEY_NOT_PERMITTED,
    }
)


def startable_rows(*, user: User, filters: Filters, now: datetime) -> list[KeyRow]:
    """Of the keys that the filters leave, the first hundred with which a sync may be started."""
    rows = overview_rows(user=user, filters=filters, now=now)
    return list(islice(_startable(rows), BATCH_AT_MOST))


def startable_these(*, user: User, key_ids: Collection[int], now: datetime) -> list[KeyRow]:
    """Those of these keys with which this person may start a sync, worst first.

    Raises InvalidInput without any, or with more than a hundred.
    """
    if len(key_ids) > BATCH_AT_MOST:
        raise InvalidInput(
            _("Choose at most %(n)d at once; the others can follow.") % {"n": BATCH_AT_MOST}
        )
    rows = ordered(visible_rows(user=user, now=now).filter(pk__in=list(key_ids)), "state", now=now)
    found = [row_of(one, user=user, now=now) for one in listed(rows, user=user).values(*COLUMNS)]
    chosen = list(_startable(found))
    if not chosen:
        raise InvalidInput(_("Choose at least one organisation whose sync you may start."))
    return chosen


def same_reports(rows: Sequence[KeyRow]) -> list[list[KeyRow]]:
    """Groups of two and more that report the very same figures: likely one and the same sync."""
    groups: dict[object, list[KeyRow]] = {}
    for row in rows:
        if row.figures is not None and row.figures.last_sync_at is not None:
            groups.setdefault(row.figures, []).append(row)
    return [group for group in groups.values() if len(group) > 1]


def one_of_each(rows: Sequence[KeyRow]) -> list[KeyRow]:
    """The rows without those that report the same as one before them."""
    spare = {row.key_id for group in same_reports(rows) for row in group[1:]}
    return [row for row in rows if row.key_id not in spare]


def rows_alike(*, user: User, row: KeyRow, now: datetime) -> list[KeyRow]:
    """Up to ten other keys in view that report the very same sync as this one."""
    if row.figures is None or row.figures.last_sync_at is None or row.figures_are_former:
        return []
    seen = visible_rows(user=user, now=now).exclude(pk=row.key_id)
    same = seen.filter(
        total_tools=row.figures.total_tools,
        enabled_tools=row.figures.enabled_tools,
        last_sync_at=row.figures.last_sync_at,
        next_sync_at=row.figures.next_sync_at,
        figures_are_former=False,
    )
    found = listed(ordered(same, "organisation", now=now), user=user).values(*COLUMNS)[:10]
    others = [row_of(one, user=user, now=now) for one in found]
    return [other for other in others if other.figures == row.figures]


def syncs_order(
    *, user: User, actor: Actor, rows: Sequence[KeyRow], full: bool
) -> tuple[OrderBatch | None, list[str]]:
    """Ask for a sync with each of these; the batch, and a sentence for each that was left out.

    None where not one could be asked for: then there is nothing to look at.
    """
    places = organisations_visible(user=user).in_bulk([row.organisation_id for row in rows])
    batch, placed, left_out = batch_open(actor=actor), 0, []
    for row in rows:
        try:
            _order_one(row, places.get(row.organisation_id), actor, full=full, batch=batch)
            placed += 1
        except (Conflict, NotFound) as refused:
            left_out.append(_left_out(row, refused))
    if not placed:
        batch.delete()
        return None, left_out
    return batch, left_out


def _order_one(
    row: KeyRow, place: Organisation | None, actor: Actor, *, full: bool, batch: OrderBatch
) -> None:
    if place is None:
        raise NotFound(_("There is no such key here."))
    order_sync(organisation=place, actor=actor, key_id=row.key_id, full=full, batch=batch)


def _left_out(row: KeyRow, refused: PublicError) -> str:
    return _("%(name)s: %(reason)s") % {"name": row.organisation_name, "reason": refused.message}


def _startable(rows: Iterable[KeyRow]) -> Iterator[KeyRow]:
    return (
        row
        for row in rows
        if Permission.START_SYNC in row.permissions and row.state not in _NOT_WITH_THIS_KEY
    )

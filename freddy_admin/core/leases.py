"""A lease on a row: which process works on it, and until when. The row itself is the lock.

For rows of any model with the columns `lease_token` (characters, 32, blank) and `lease_until`
(moment, null). With SQLite and PostgreSQL alike, so a cache that is away or flushed never lets two
processes work on one row. A process may be stopped at any moment, or its machine put to sleep:
whoever wakes up after the end of a lease must neither send nor store what another process, or a
person, has taken up since. So a lease is checked twice: immediately before the first byte
(`LeaseDeadline.covers`, `lease_may_send`), and in the transaction of the result (`is_held`,
`held_row_lock`).
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db import DatabaseError, transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now

from freddy_admin.core import clock
from freddy_admin.core.clock_skew import seconds_since_boot
from freddy_admin.core.compiled_queries import Moment
from freddy_admin.core.fair_shares import Parties, Shares

log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT", bound=Model)
# A command may run with shorter limits than the worker, so its own leases alone are no measure.
_LONGEST_LEASE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class LeaseDeadline:
    """The end of one lease by two clocks: the wall's, and the one that counts since the boot."""

    ends_at: datetime
    boot_end: float  # seconds of the boot clock

    @classmethod
    def at(cls, ends_at: datetime) -> "LeaseDeadline":
        """The deadline of a lease that was just written into its row."""
        return cls(ends_at, seconds_since_boot() + _real_seconds(ends_at - clock.now()))

    def covers(self, seconds: float) -> bool:
        """Whether the lease lasts for a call of so many real seconds that begins now."""
        is_covered_since_boot = seconds_since_boot() + seconds <= self.boot_end
        return (
            is_covered_since_boot
            and clock.now() + clock.real_seconds_to_panel_duration(seconds) <= self.ends_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease on the row `row_id`; a renewal gives it another deadline under the same token."""

    row_id: int
    token: str
    deadline: LeaseDeadline
    database_end: datetime  # its end by the database's clock
    parties: Parties = ()  # for whom it counts in a pool's shares


def free_rows(rows: QuerySet[ModelT], *, now: Moment, duration: timedelta) -> QuerySet[ModelT]:
    """Those of the rows that a lease of such a `duration` can be acquired on."""
    return rows.filter(Q(lease_until=None) | _is_over(now, duration))


def leases_acquire(
    rows: QuerySet[Any],
    *,
    limit: int,
    now: datetime,
    duration: timedelta,
    shares: Shares | None = None,
    **changes: Any,
) -> list[Lease]:
    """Lease up to `limit` of the free rows: in fair order with `shares`, else in their own.

    Each row goes to one process. `duration` is of the panel's clock. `changes` are columns to set
    in the same statement. What the work needs of the rows is read afterwards, by
    `leased_rows_list`: before they were locked, they may have changed.
    """
    shares = shares or Shares(limit=limit)
    free = free_rows(rows, now=now, duration=duration)
    # Mostly nothing is due: that takes no transaction, which would keep SQLite's other writers out.
    parties_by_id = shares.pick(free, limit=limit)
    if not parties_by_id:
        return []
    token, ends_at = secrets.token_hex(16), now + duration
    with transaction.atomic(savepoint=False):
        picked_rows = free.filter(pk__in=list(parties_by_id)).order_by()
        locked_rows = picked_rows.select_for_update(skip_locked=True, no_key=True, of=("self",))
        database_moments = dict(
            locked_rows.annotate(database_now=Now()).values_list("pk", "database_now")
        )
        leased_rows: QuerySet[Any] = QuerySet(rows.model).filter(pk__in=list(database_moments))
        leased_rows.update(lease_token=token, lease_until=ends_at, **changes)
    deadline = LeaseDeadline.at(ends_at)
    real_duration = timedelta(seconds=_real_seconds(ends_at - clock.now()))
    return [
        Lease(
            row_id=pk,
            token=token,
            deadline=deadline,
            database_end=database_moments[pk] + real_duration,
            parties=parties,
        )
        for pk, parties in parties_by_id.items()
        if pk in database_moments
    ]


def leased_rows_list(rows: QuerySet[ModelT], leases: Sequence[Lease]) -> list[tuple[Lease, ModelT]]:
    """Each of the leases just acquired with its row as it is now, but for rows changed since."""
    if not leases:
        return []
    held_rows = rows.filter(lease_token__in={lease.token for lease in leases})
    rows_by_id = held_rows.in_bulk([lease.row_id for lease in leases])
    return [(lease, rows_by_id[lease.row_id]) for lease in leases if lease.row_id in rows_by_id]


def lease_values(lease: Lease) -> dict[str, Any]:
    """The fields of a `Lease`, to build one that says more of its row."""
    return {
        "row_id": lease.row_id,
        "token": lease.token,
        "deadline": lease.deadline,
        "database_end": lease.database_end,
        "parties": lease.parties,
    }


def lease_renew(rows: QuerySet[Any], *, token: str, duration: timedelta) -> LeaseDeadline | None:
    """Let the lease `token` on the one row in `rows` last for `duration` from now.

    Returns its new deadline; None where another process has the row by now, or the database does
    not answer: then nothing more may be sent.
    """
    ends_at = clock.now() + duration
    try:
        is_renewed = rows.filter(lease_token=token).update(lease_until=ends_at)
    except DatabaseError as error:
        log.warning("A lease was not renewed: %s", type(error).__name__)
        return None
    return LeaseDeadline.at(ends_at) if is_renewed else None


def lease_release(rows: QuerySet[Any], *, token: str) -> bool:
    """Make the one row in `rows` free again, if its lease is still `token`'s; returns whether."""
    return bool(rows.filter(lease_token=token).update(lease_token="", lease_until=None))


def expired_leases(
    rows: QuerySet[ModelT], *, now: datetime, duration: timedelta
) -> QuerySet[ModelT]:
    """Rows whose lease of such a `duration` is over without a result: their process was lost."""
    return rows.filter(_is_over(now, duration))


def is_held(row_token: str, token: str) -> bool:
    """Whether the lease in a locked row, by its `lease_token`, is still the one of `token`.

    One that is over and that nobody has acquired since is held: its result is the latest there is.
    """
    return token != "" and row_token == token


def held_row_lock(rows: QuerySet[ModelT], *, token: str) -> ModelT | None:
    """The one row in `rows`, locked and as it is now; None if its lease is no longer `token`'s.

    Call inside the transaction that stores the result. Whoever gets None stores nothing.
    """
    locked_rows = rows.select_for_update(no_key=True, of=("self",)).filter(lease_token=token)
    pk = locked_rows.values_list("pk", flat=True).first() if token else None
    # Read by a statement of its own: one that waited for the lock shows joined rows as they were.
    return None if pk is None else rows.filter(pk=pk).first()


def lease_may_send(rows: QuerySet[Any], lease: Lease, *, seconds: float) -> bool:
    """Whether the lease on the one row in `rows` holds for so many real seconds from now.

    By the row and the database's clock, then by this machine's two: call it immediately before the
    first byte of what must not be sent twice. False where the database does not answer.
    """
    try:
        now = rows.filter(lease_token=lease.token).values_list(Now(), flat=True).first()
    except DatabaseError as error:
        log.warning("Nothing was sent, the lease cannot be read: %s", type(error).__name__)
        return False
    # This machine's clocks last: the database's answer may have been long on its way.
    return (
        now is not None
        and now + timedelta(seconds=seconds) <= lease.database_end
        and lease.deadline.covers(seconds)
    )


def _is_over(now: Moment, duration: timedelta) -> Q:
    # A lease that ends later than any lease could was given before our clock was set back.
    horizon = now + max(2 * duration, _LONGEST_LEASE)
    return Q(lease_until__lte=now) | Q(lease_until__gt=horizon)


def _real_seconds(duration: timedelta) -> float:
    return duration / clock.real_seconds_to_panel_duration(1)

"""Sets right what was written while the clock was ahead, once it is back.

Such rows would stand above all others, stay unchecked, or live on until their time comes. The
audit log alone is left as it was written; it is sorted when it is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Model, Q, QuerySet

from freddy_admin.accounts.models import ApiToken, FirstLink, ResetWish
from freddy_admin.organisations.invitations import VALID_FOR
from freddy_admin.organisations.models import Invitation
from freddy_admin.sync.models import (
    ApiHealth,
    CheckRun,
    HistoryEvent,
    KeySync,
    Listing,
    Order,
    OrderBatch,
    WorkerBeat,
)
from freddy_admin.sync.observations import observations_forget
from freddy_admin.sync.policy import PLANNED_AT_MOST
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraft,
    ImportDraftRow,
    KeyCandidate,
    MasterKeyRotation,
)

_AT_ONCE: Final = 500
# Rows that are only ever added: what was written ahead of time is among the newest of them.
_NEWEST: Final = 200_000
# So many of them are looked at each minute.
_LATEST: Final = 2_000
# The mark of an event that was written while the clock was ahead.
WRITTEN_AHEAD: Final = "written_ahead"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Table:
    """Moments of our own: those of what happened, and of plans with how far ahead they may lie."""

    model: type[Model]
    past: Sequence[str]
    plans: Mapping[str, timedelta] = field(default_factory=dict)
    grows: bool = False

    def latest(self, since: datetime, now: datetime) -> dict[str, tuple[datetime, datetime]]:
        """Of each column: from when on it was written ahead of time, and what it is then set to.

        A plan that lies further ahead than any is made was made ahead of time.
        """
        past = dict.fromkeys(self.past, (since, now))
        return past | {name: (now + ahead, now + ahead) for name, ahead in self.plans.items()}

    def rows(self, since: datetime, now: datetime) -> QuerySet[Any]:
        """Those written ahead of time, locked."""
        wrong = Q()
        for name, (least, _right) in self.latest(since, now).items():
            wrong |= Q(**{f"{name}__gt": least})
        rows = self._newest(_NEWEST).select_for_update().filter(wrong)
        return rows.order_by("pk")[:_AT_ONCE]

    def has_happened_after(self, moment: datetime) -> bool:
        """Whether a row, of those that were added lately, says that it was later than `moment`."""
        later = Q()
        for name in self.past:
            later |= Q(**{f"{name}__gt": moment})
        return self._newest(_LATEST).filter(later).exists()

    def _newest(self, number: int) -> QuerySet[Any]:
        rows = self.model._default_manager.all()  # noqa: SLF001
        if not self.grows:
            return rows
        newest = rows.aggregate(newest=Max("pk"))["newest"] or 0
        return rows.filter(pk__gt=newest - number)


_TABLES: Final = (
    _Table(ApiToken, ("created_at", "last_used_at")),
    _Table(FirstLink, ("created_at",), {"expires_at": _HOUR}),
    _Table(ResetWish, ("asked_at",), {"next_attempt_at": _HOUR}),
    _Table(
        Invitation,
        ("created_at", "asked_at", "sent_at", "ended_at"),
        {"next_attempt_at": 4 * _HOUR, "expires_at": VALID_FOR},
    ),
    _Table(ApiKey, ("created_at", "secret_set_at", "paused_at")),
    _Table(KeyCandidate, ("created_at", "tested_at")),
    _Table(ImportDraft, ("created_at", "confirmed_at")),
    _Table(ImportDraftRow, ("tested_at",)),
    _Table(MasterKeyRotation, ("started_at", "beat_at", "ended_at")),
    _Table(Order, ("requested_at", "sent_at", "finished_at"), grows=True),
    _Table(OrderBatch, ("created_at",)),
    _Table(
        KeySync,
        (
            "observed_at",
            "first_observed_at",
            "checked_at",
            "failing_since",
            "unreadable_since",
            "misfit_since",
            "state_since",
            "run_from",
            "told_at",
            "order_at",
            "requested_at",
            "updated_at",
        ),
        {"unknown_at": PLANNED_AT_MOST, "hold_until": PLANNED_AT_MOST},
    ),
    _Table(
        Listing,
        ("observed_at", "checked_at", "wanted_at", "requested_at"),
        {"hold_until": PLANNED_AT_MOST},
    ),
    _Table(WorkerBeat, ("started_at", "beat_at")),
    _Table(ApiHealth, ("checked_at",)),
    _Table(CheckRun, ("first_at", "last_at"), grows=True),
    _Table(HistoryEvent, ("noticed_at", "until"), grows=True),
)


def ahead_written(*, after: datetime) -> bool:
    """Whether any of the tables has a moment of our own that lies after this one."""
    return any(table.has_happened_after(after) for table in _TABLES)


def ahead_repair(*, since: datetime, now: datetime) -> int:
    """Bring every moment of our own from `since` on back to `now`; how many rows that were.

    What was to happen later happens as late as it could have been meant. May be run twice.
    """
    return sum(_repair(table, since, now) for table in _TABLES)


def _repair(table: _Table, since: datetime, now: datetime) -> int:
    number, columns = 0, table.latest(since, now)
    while True:
        with transaction.atomic():
            rows = list(table.rows(since, now))
            for row in rows:
                _special(row, since, now)
                for name, (least, right) in columns.items():
                    value = getattr(row, name)
                    if value is not None and value > least:
                        setattr(row, name, right)
            names = [*columns, *_BESIDE.get(table.model, ())]
            table.model._default_manager.bulk_update(rows, names, batch_size=50)  # noqa: SLF001
        if table.model is KeySync:
            observations_forget(rows=rows)
        number += len(rows)
        if len(rows) < _AT_ONCE:
            return number


_BESIDE: Final[dict[type[Model], tuple[str, ...]]] = {
    ApiToken: ("expires_at",),
    KeySync: ("next_check_at",),
    HistoryEvent: ("at", "details"),
}


def _special(row: Model, since: datetime, now: datetime) -> None:
    if isinstance(row, ApiToken) and row.created_at > since and row.expires_at is not None:
        row.expires_at -= row.created_at - now
    if isinstance(row, KeySync):
        row.next_check_at = now
    if isinstance(row, ResetWish | Invitation) and (row.next_attempt_at or since) > since:
        row.next_attempt_at = now  # a mail that somebody waits for
    if isinstance(row, HistoryEvent) and row.noticed_at > since:
        row.at = min(row.at, now)
        row.details = row.details | {WRITTEN_AHEAD: True}

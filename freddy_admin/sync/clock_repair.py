"""Repairs moments that were written while the clock was ahead, once it is back.

Such rows would stand above all others, stay unchecked, or live on until their time comes. The
audit log alone is left as it was written; it is sorted when it is read. Rooms above register their
tables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Model, Q, QuerySet

from freddy_admin.accounts.models import ApiToken, PasswordResetRequest, SetupLink
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox_kinds import RETRY_DELAYS
from freddy_admin.organisations.invitations import INVITATION_LIFETIME
from freddy_admin.organisations.models import Invitation
from freddy_admin.sync.checks.policy import MAX_PLANNING_HORIZON
from freddy_admin.sync.models import (
    ApiHealth,
    CatalogSnapshot,
    CheckRun,
    HistoryEvent,
    OperationBatch,
    RemoteOperation,
    SyncStatus,
    WorkerHeartbeat,
)
from freddy_admin.sync.status.observation_cache import observation_cache_invalidate
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraft,
    ImportDraftRow,
    KeyCandidate,
    MasterKeyRotation,
)

_BATCH_SIZE: Final = 500
# Rows that are only ever added: what was written ahead of time is among the newest of them.
_MAX_REPAIRED_ROWS: Final = 200_000
# So many of them are read each minute.
_MAX_PROBED_ROWS: Final = 2_000
# The detail of an event that was written while the clock was ahead.
WRITTEN_AHEAD_DETAIL: Final = "written_ahead"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TimestampedTable:
    """A table's moments of our own: past ones, and planned ones with how far ahead they may lie.

    `repair` is called with each row to repair, since when the clock was ahead, and now, before the
    columns are set; what it changes are `special_columns`. `also` names rows to repair whose
    columns do not show it, by the same two moments; none of them may be left once repaired.
    """

    model: type[Model]
    past_columns: Sequence[str]
    planned_columns: Mapping[str, timedelta] = field(default_factory=dict)
    special_columns: Sequence[str] = ()
    repair: Callable[[Any, datetime, datetime], None] | None = None
    also: Callable[[datetime, datetime], Q] | None = None
    is_append_only: bool = False

    def column_limits(self, since: datetime, now: datetime) -> dict[str, tuple[datetime, datetime]]:
        """For each column: the moment after which a value is ahead of time, and its replacement.

        A plan that lies further ahead than any is made was made ahead of time.
        """
        limits = dict.fromkeys(self.past_columns, (since, now))
        return limits | {
            name: (now + horizon, now + horizon) for name, horizon in self.planned_columns.items()
        }

    def rows_to_repair(self, since: datetime, now: datetime) -> QuerySet[Any]:
        """The rows that hold a moment ahead of time, locked; one batch of them."""
        is_ahead = Q()
        for name, (limit, _replacement) in self.column_limits(since, now).items():
            is_ahead |= Q(**{f"{name}__gt": limit})
        if self.also is not None:
            is_ahead |= self.also(since, now)
        rows = self._newest_rows(_MAX_REPAIRED_ROWS).select_for_update().filter(is_ahead)
        return rows.order_by("pk")[:_BATCH_SIZE]

    def has_timestamp_after(self, moment: datetime) -> bool:
        """Whether one of the newest rows holds a past moment later than `moment`."""
        is_later = Q()
        for name in self.past_columns:
            is_later |= Q(**{f"{name}__gt": moment})
        return self._newest_rows(_MAX_PROBED_ROWS).filter(is_later).exists()

    def _newest_rows(self, count: int) -> QuerySet[Any]:
        rows = self.model._default_manager.all()  # noqa: SLF001
        if not self.is_append_only:
            return rows
        newest_pk = rows.aggregate(newest=Max("pk"))["newest"] or 0
        return rows.filter(pk__gt=newest_pk - count)


def _api_token_repair(row: ApiToken, since: datetime, now: datetime) -> None:
    if row.created_at > since and row.expires_at is not None:
        row.expires_at -= row.created_at - now


def _outbox_message_repair(row: OutboxMessage, since: datetime, now: datetime) -> None:
    if (row.next_attempt_at or since) > since:
        row.next_attempt_at = now  # a mail that somebody waits for


def _sync_status_repair(row: SyncStatus, _since: datetime, now: datetime) -> None:
    row.next_check_at = now


def _history_event_repair(row: HistoryEvent, since: datetime, now: datetime) -> None:
    if row.noticed_at > since:
        row.at = min(row.at, now)
        row.details = row.details | {WRITTEN_AHEAD_DETAIL: True}


_tables: list[TimestampedTable] = [
    TimestampedTable(
        ApiToken,
        ("created_at", "last_used_at"),
        special_columns=("expires_at",),
        repair=_api_token_repair,
    ),
    TimestampedTable(SetupLink, ("created_at",), {"expires_at": _HOUR}),
    TimestampedTable(PasswordResetRequest, ("requested_at",)),
    TimestampedTable(
        Invitation,
        ("created_at", "requested_at", "sent_at", "closed_at"),
        {"expires_at": INVITATION_LIFETIME},
    ),
    TimestampedTable(
        OutboxMessage,
        ("requested_at", "failing_since", "given_up_at"),
        {"next_attempt_at": RETRY_DELAYS[-1]},
        repair=_outbox_message_repair,
    ),
    TimestampedTable(ApiKey, ("created_at", "secret_set_at", "paused_at")),
    TimestampedTable(KeyCandidate, ("created_at", "tested_at")),
    TimestampedTable(ImportDraft, ("created_at", "confirmed_at")),
    TimestampedTable(ImportDraftRow, ("tested_at",)),
    TimestampedTable(MasterKeyRotation, ("started_at", "heartbeat_at", "finished_at")),
    TimestampedTable(
        RemoteOperation, ("requested_at", "sent_at", "finished_at"), is_append_only=True
    ),
    TimestampedTable(OperationBatch, ("created_at",)),
    TimestampedTable(
        SyncStatus,
        (
            "observed_at",
            "first_observed_at",
            "checked_at",
            "failing_since",
            "unreadable_since",
            "master_key_misfit_since",
            "state_since",
            "run_started_at",
            "recorded_at",
            "operation_requested_at",
            "requested_at",
            "updated_at",
        ),
        {"unknown_at": MAX_PLANNING_HORIZON, "hold_until": MAX_PLANNING_HORIZON},
        special_columns=("next_check_at",),
        repair=_sync_status_repair,
    ),
    TimestampedTable(
        CatalogSnapshot,
        ("observed_at", "checked_at", "refresh_requested_at", "requested_at"),
        {"hold_until": MAX_PLANNING_HORIZON},
    ),
    TimestampedTable(WorkerHeartbeat, ("started_at", "heartbeat_at")),
    TimestampedTable(ApiHealth, ("checked_at",)),
    TimestampedTable(CheckRun, ("first_at", "last_at"), is_append_only=True),
    TimestampedTable(
        HistoryEvent,
        ("noticed_at", "until"),
        special_columns=("at", "details"),
        repair=_history_event_repair,
        is_append_only=True,
    ),
]


def timestamped_tables_register(*tables: TimestampedTable) -> None:
    """Have these tables of a room above repaired, too; once, when Django starts."""
    _tables.extend(tables)


def timestamped_tables() -> tuple[TimestampedTable, ...]:
    """The tables that are repaired."""
    return tuple(_tables)


def has_future_timestamps(*, after: datetime) -> bool:
    """Whether any of the tables holds a moment of our own later than `after`."""
    return any(table.has_timestamp_after(after) for table in _tables)


def future_timestamps_repair(*, since: datetime, now: datetime) -> int:
    """Bring every moment of our own after `since` back to `now`; returns the number of rows.

    What was to happen later happens as late as it could have been meant. May be run twice.
    """
    return sum(_repair_table(table, since, now) for table in _tables)


def _repair_table(table: TimestampedTable, since: datetime, now: datetime) -> int:
    count, columns = 0, table.column_limits(since, now)
    while True:
        with transaction.atomic():
            rows = list(table.rows_to_repair(since, now))
            for row in rows:
                if table.repair is not None:
                    table.repair(row, since, now)
                for name, (limit, replacement) in columns.items():
                    value = getattr(row, name)
                    if value is not None and value > limit:
                        setattr(row, name, replacement)
            names = [*columns, *table.special_columns]
            table.model._default_manager.bulk_update(rows, names, batch_size=50)  # noqa: SLF001
        if table.model is SyncStatus:
            observation_cache_invalidate(rows=rows)
        count += len(rows)
        if len(rows) < _BATCH_SIZE:
            return count

"""The pages on which syncs are started and watched, ready for their templates."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.models.operations import UNFINISHED_STATES
from freddy_admin.sync.operations.services import is_sync_confirmation_late
from freddy_admin.sync.operations.startable_syncs import group_rows_by_figures
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.components import StatePill, state_pill
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.overview.rows import NO_VALUE
from freddy_admin.web.pages.sync_start.operation import OperationStatus, operation_status
from freddy_admin.wording.operations import (
    running_sync_note,
    running_sync_sentence,
    sync_batch_progress,
)
from freddy_admin.wording.sentences import render_html, render_text, say
from freddy_admin.wording.states import key_headline
from freddy_admin.wording.times import EITHER, PAST, UserTime, format_duration

# A sync helps these; others may be chosen, but are not to begin with.
_SYNC_HELPS_STATES = frozenset({HealthState.OVERDUE, HealthState.NEVER_SYNCED, HealthState.LATE})


@dataclass(frozen=True, slots=True)
class SyncStartContext:
    """What the page shows before a sync is started."""

    organisation: str
    label: str
    href: str
    pill: StatePill
    sentence: SafeString
    running_note: str
    grace_text: str
    keys_sharing_sync: list[str]


@dataclass(frozen=True, slots=True)
class SyncKeyOption:
    """One key that can be chosen."""

    key_id: int
    name: str
    label: str
    pill: StatePill
    last: SafeString | str
    running_note: str
    selected: bool


@dataclass(frozen=True, slots=True)
class SyncBatchFormContext:
    """The keys to choose from, and which of them report the same."""

    choices: list[SyncKeyOption]
    number: int
    shared_sync_sentences: list[str]
    distinct_sync_count: int
    full: bool


@dataclass(frozen=True, slots=True)
class BatchOperationRow:
    """How one of several syncs went."""

    anchor: str
    name: str
    label: str
    href: str
    operation: OperationStatus


@dataclass(frozen=True, slots=True)
class SyncBatchContext:
    """How several syncs go."""

    number: int
    finished: int
    sentence: str
    pending: bool
    outcomes: list[BatchOperationRow]
    digest: str


def sync_start_context(
    row: KeyRow, keys_sharing_sync: Sequence[KeyRow], user_time: UserTime
) -> SyncStartContext:
    """The page for one key; `keys_sharing_sync` are others that report the same sync."""
    return SyncStartContext(
        organisation=row.organisation_name,
        label=row.key_label,
        href=f"{reverse('organisation', args=[row.organisation_slug])}#key-{row.key_id}",
        pill=state_pill(row.state),
        sentence=render_html(key_headline(row), user_time),
        running_note=render_text(running_sync_sentence(row), user_time),
        grace_text=format_duration(row.grace.total_seconds()),
        keys_sharing_sync=[
            _organisation_name_with_key_label(row_with_same_sync)
            for row_with_same_sync in keys_sharing_sync
        ],
    )


def sync_batch_form_context(
    rows: Sequence[KeyRow], user_time: UserTime, *, selected: bool, full: bool
) -> SyncBatchFormContext:
    """The form for several keys; `selected` ticks all, else those that a sync would help."""
    groups = group_rows_by_figures(rows)
    return SyncBatchFormContext(
        choices=[_sync_key_option(row, user_time, selected=selected) for row in rows],
        number=len(rows),
        shared_sync_sentences=[_shared_sync_sentence(group) for group in groups],
        distinct_sync_count=len(rows) - sum(len(group) - 1 for group in groups),
        full=full,
    )


def sync_batch_progress_context(
    operations: Sequence[RemoteOperation], user_time: UserTime
) -> SyncBatchContext:
    """The progress of these operations."""
    states = [OperationState(operation.state) for operation in operations]
    unfinished = sum(state in UNFINISHED_STATES for state in states)
    late_flags = [
        is_sync_confirmation_late(operation, now=user_time.now) for operation in operations
    ]
    rows = [
        _batch_operation_row(operation, user_time, late=is_late)
        for operation, is_late in zip(operations, late_flags, strict=True)
    ]
    shown_values = [
        (operation.pk, operation.state, operation.confirmed_sync_at) for operation in operations
    ]
    return SyncBatchContext(
        number=len(operations),
        finished=len(operations) - unfinished,
        sentence=str(sync_batch_progress(states, unfinished)),
        pending=unfinished > 0,
        outcomes=rows,
        digest=values_digest(shown_values, late_flags),
    )


def _sync_key_option(row: KeyRow, user_time: UserTime, *, selected: bool) -> SyncKeyOption:
    figures = row.figures
    last = figures.last_sync_at if figures else None
    never = _("never") if figures else NO_VALUE
    return SyncKeyOption(
        key_id=row.key_id,
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        pill=state_pill(row.state),
        last=user_time.render_relative_cell(last, EITHER if last > user_time.now else PAST)
        if last
        else never,
        running_note=str(running_sync_note(row)),
        selected=not row.is_sync_running and (selected or row.state in _SYNC_HELPS_STATES),
    )


def _shared_sync_sentence(group: Sequence[KeyRow]) -> str:
    names = ", ".join(_organisation_name_with_key_label(row) for row in group[:5])
    rest = len(group) - 5
    if rest > 0:
        text = _("These {n} report the same figures: {names} and {rest} more.")
        return str(say(text, n=len(group), names=names, rest=rest))
    return str(say(_("These {n} report the same figures: {names}."), n=len(group), names=names))


def _organisation_name_with_key_label(row: KeyRow) -> str:
    if row.keys_in_organisation > 1:
        return f"{row.organisation_name} ({row.key_label})"
    return row.organisation_name


def _batch_operation_row(
    operation: RemoteOperation, user_time: UserTime, *, late: bool
) -> BatchOperationRow:
    page = reverse("organisation", args=[operation.organisation.slug])
    return BatchOperationRow(
        anchor=f"order-{operation.pk}",
        name=operation.organisation.name,
        label=operation.key.label,
        href=f"{page}#key-{operation.key_id}",
        operation=operation_status(operation, user_time, late=late),
    )

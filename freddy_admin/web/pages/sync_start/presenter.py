"""The pages on which syncs are started and watched, ready for their templates."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.models.operations import UNFINISHED_STATES
from freddy_admin.sync.operations.selectors import is_sync_confirmation_late
from freddy_admin.sync.operations.startable_syncs import group_rows_by_figures
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.web.components import render_last_sync_cell, state_pill
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.key.card import operation_status
from freddy_admin.wording.operations import (
    running_sync_note,
    running_sync_sentence,
    sync_batch_progress,
)
from freddy_admin.wording.sentences import render_html, render_text, say
from freddy_admin.wording.states import key_headline
from freddy_admin.wording.times import UserTime, format_duration

# A sync helps these; others may be chosen, but are not to begin with.
_SYNC_HELPS_STATES = frozenset({HealthState.OVERDUE, HealthState.NEVER_SYNCED, HealthState.LATE})


def sync_start_context(
    row: KeyRow, rows_sharing_sync: Sequence[KeyRow], user_time: UserTime
) -> dict[str, Any]:
    """The page for one key; `rows_sharing_sync` are others that report the same sync."""
    return {
        "row": row,
        "pill": state_pill(row.state),
        "sentence": render_html(key_headline(row), user_time),
        "running_note": render_text(running_sync_sentence(row), user_time),
        "grace_text": format_duration(row.grace.total_seconds()),
        "names_sharing_sync": [_organisation_name_with_key_label(row) for row in rows_sharing_sync],
    }


def sync_batch_form_context(
    rows: Sequence[KeyRow], user_time: UserTime, *, selected: bool, full: bool
) -> dict[str, Any]:
    """The form for several keys; `selected` ticks all, else those that a sync would help."""
    groups = group_rows_by_figures(rows)
    return {
        "choices": [
            {
                "row": row,
                "pill": state_pill(row.state),
                "last_sync": render_last_sync_cell(row, user_time),
                "running_note": running_sync_note(row),
                "selected": not row.is_sync_running
                and (selected or row.state in _SYNC_HELPS_STATES),
            }
            for row in rows
        ],
        "shared_sync_sentences": [_shared_sync_sentence(group) for group in groups],
        "distinct_sync_count": len(rows) - sum(len(group) - 1 for group in groups),
        "full": full,
    }


def sync_batch_progress_context(
    operations: Sequence[RemoteOperation], user_time: UserTime
) -> dict[str, Any]:
    """The progress of these operations."""
    states = [OperationState(operation.state) for operation in operations]
    unfinished = sum(state in UNFINISHED_STATES for state in states)
    outcomes, shown_values = [], []
    for operation in operations:
        late = is_sync_confirmation_late(operation, now=user_time.now)
        status = operation_status(operation, user_time, late=late)
        outcomes.append({"operation": operation, "status": status})
        shown_values.append((operation.pk, operation.state, operation.confirmed_sync_at, late))
    return {
        "finished": len(operations) - unfinished,
        "sentence": sync_batch_progress(states, unfinished),
        "is_pending": unfinished > 0,
        "outcomes": outcomes,
        "digest": values_digest(shown_values),
    }


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

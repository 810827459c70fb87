"""A requested sync, ready for the templates: its progress and its result."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.utils.safestring import SafeString

from freddy_admin.organisations.person_display_names import NO_PERMISSIONS, actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.models import RemoteOperation
from freddy_admin.sync.models.operations import UNFINISHED_STATES
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.wording.operations import requested_sync_note, requested_sync_wording
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.times import UserTime

_SHOWN_AFTER_END_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OperationStatus:
    """The status of one operation: a word, sentences, and whether it is pending."""

    tone: str
    icon: str
    word: str
    words: SafeString
    figures: SafeString
    pending: bool


def operation_note(row: KeyRow, user_time: UserTime) -> str:
    """The operation's status in a few words, for a list; "" without an operation."""
    return render_text(requested_sync_note(row), user_time)


def latest_operation_status(
    row: KeyRow, operation: RemoteOperation | None, user_time: UserTime
) -> OperationStatus | None:
    """The latest operation of a key: while it is awaited, and for an hour after it ended."""
    if operation is None:
        return None
    awaited = row.operation_requested_at == operation.requested_at
    lately = (
        operation.finished_at is not None
        and user_time.now - operation.finished_at < _SHOWN_AFTER_END_FOR
    )
    if not (awaited or lately):
        return None
    return operation_status(
        operation, user_time, late=row.is_operation_late, permissions=row.permissions
    )


def operation_status(
    operation: RemoteOperation,
    user_time: UserTime,
    *,
    late: bool = False,
    permissions: Collection[Permission] = NO_PERMISSIONS,
) -> OperationStatus:
    """The status of an operation; `late` says that the sync should have been seen by now.

    `permissions` are what the user may do in the organisation.
    """
    requested_by = actor_display_name(operation.requested_by, permissions)
    wording = requested_sync_wording(operation, requested_by=requested_by, late=late)
    return OperationStatus(
        tone=wording.tone,
        icon=wording.icon,
        word=str(wording.label),
        words=render_html(wording.words, user_time),
        figures=render_html(wording.figures, user_time),
        pending=operation.state in UNFINISHED_STATES,
    )

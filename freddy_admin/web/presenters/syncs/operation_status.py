"""A requested sync in words: its progress and its result."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.organisations.person_display_names import NO_PERMISSIONS, actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.status.types import CheckError, KeyRow
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.user_time import UserTime

TONE_BUSY, TONE_GOOD, TONE_WARN, TONE_BAD = "quiet", "good", "warn", "bad"
_SHOWN_AFTER_END_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OperationStatus:
    """The status of one operation: a word, sentences, and whether it is pending."""

    tone: str
    icon: str
    word: str
    words: SafeString
    figures: str
    pending: bool


def operation_note(row: KeyRow, user_time: UserTime) -> str:
    """The operation's status in a few words, for a list; "" without an operation."""
    if row.operation_requested_at is None:
        return ""
    parts = {
        "at": user_time.format_clock(row.operation_requested_at),
        "who": row.operation_requested_by,
    }
    if row.is_sync_running:
        return _("sync requested %(at)s by %(who)s") % parts
    if row.is_operation_late:
        return _("sync requested %(at)s by %(who)s, not finished yet") % parts
    return _("sync requested %(at)s by %(who)s, not seen yet") % parts


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
    requested_text = format_html(
        _("Requested {at} by {who}."),
        at=user_time.render_clock(operation.requested_at),
        who=actor_display_name(operation.requested_by, permissions),
    )
    return _STATUS_BY_STATE[OperationState(operation.state)](
        operation, user_time, requested_text, late
    )


def operation_result_text(result: Mapping[str, Any]) -> str:
    """`42 tools: 1 new, 3 changed, 38 as they were.`; "" where no figures came."""
    synced = result.get("synced")
    if not isinstance(synced, int):
        return ""
    parts = [
        _("%(n)s new") % {"n": f"{result.get('created') or 0:,}"},
        _("%(n)s changed") % {"n": f"{result.get('updated') or 0:,}"},
    ]
    if isinstance(result.get("unchanged"), int):
        parts.append(_("%(n)s as they were") % {"n": f"{result['unchanged']:,}"})
    tools = ngettext("%(n)s tool", "%(n)s tools", synced) % {"n": f"{synced:,}"}
    return _("%(tools)s: %(parts)s.") % {"tools": tools, "parts": ", ".join(parts)}


def operation_problem_text(operation: RemoteOperation) -> str:
    """Why the operation failed, or why its result is unknown; "" without an error."""
    if not operation.error_kind:
        return ""
    if operation.error_kind in _OWN_PROBLEM_TEXTS:
        return _OWN_PROBLEM_TEXTS[operation.error_kind]()
    # The sentences on failures are those of a status check: these two would mislead here.
    if operation.error_kind == FailureKind.SERVER_ERROR:
        status = {"status": operation.error_http_status or 500}
        return _("Aitronos had an error of its own (%(status)s).") % status
    if (
        operation.state == OperationState.REFUSED
        and operation.error_kind == FailureKind.UNEXPECTED_STATUS
    ):
        return _("Aitronos refused (%(status)s).") % {"status": operation.error_http_status}
    error = CheckError(
        kind=operation.error_kind,
        code=operation.error_code,
        http_status=operation.error_http_status,
        message=operation.error_message,
        field="",
        detail="",
        trace_id=operation.trace_id,
        request_id=operation.request_id,
    )
    return failure_wording(error).words


_OWN_PROBLEM_TEXTS = {
    "not_taken": lambda: _("No worker took it for half an hour, so it was given up."),
    "worker_lost": lambda: _("The worker ended while it waited for the answer."),
    "withheld": lambda: _("The worker was held up for too long, so it was not sent. Ask again."),
    "key_changed": lambda: _("The key was paused or revoked before it could be used."),
}


def _queued_status(
    operation: RemoteOperation, user_time: UserTime, requested_text: SafeString, late: bool
) -> OperationStatus:
    words = format_html("{} {}", requested_text, _("The worker sends it next."))
    return OperationStatus(
        TONE_BUSY, "hourglass", _("Waiting for the worker"), words, "", pending=True
    )


def _sending_status(
    operation: RemoteOperation, user_time: UserTime, requested_text: SafeString, late: bool
) -> OperationStatus:
    words = format_html(
        "{} {}",
        requested_text,
        _("It runs at Aitronos, which may take minutes. Until it ends nobody can start another."),
    )
    return OperationStatus(TONE_BUSY, "refresh", _("Running"), words, "", pending=True)


def _done_status(
    operation: RemoteOperation, user_time: UserTime, requested_text: SafeString, late: bool
) -> OperationStatus:
    result_text = operation_result_text(operation.result)
    problem_text = operation_problem_text(operation)
    figures = result_text or problem_text
    if operation.confirmed_sync_at is not None:
        confirmed_text = format_html(
            _("Synced {at}."), at=user_time.render_clock(operation.confirmed_sync_at)
        )
        words = format_html("{} {}", requested_text, confirmed_text)
        if problem_text and not result_text:
            figures = _("What it brought is not known. %(why)s") % {"why": problem_text}
        return OperationStatus(
            TONE_GOOD, "circle-check", _("Synced"), words, figures, pending=False
        )
    waiting_text = (
        _("Aitronos answered, but its status still names the former sync as the last one.")
        if late
        else _("Aitronos answered. We look every minute until its status names the new sync.")
    )
    words = format_html("{} {}", requested_text, waiting_text)
    tone = TONE_WARN if late else TONE_BUSY
    word = _("Not finished yet") if late else _("Answered, not seen yet")
    return OperationStatus(tone, "clock", word, words, figures, pending=False)


def _refused_status(
    operation: RemoteOperation, user_time: UserTime, requested_text: SafeString, late: bool
) -> OperationStatus:
    words = format_html(
        "{} {} {}", requested_text, _("Nothing was started."), operation_problem_text(operation)
    )
    message = operation.error_message
    quoted_message = _("Aitronos says: “%(said)s”") % {"said": message} if message else ""
    return OperationStatus(
        TONE_BAD, "circle-x", _("Not started"), words, quoted_message, pending=False
    )


def _unclear_status(
    operation: RemoteOperation, user_time: UserTime, requested_text: SafeString, late: bool
) -> OperationStatus:
    if operation.confirmed_sync_at is not None:
        return _done_status(operation, user_time, requested_text, late)
    unknown_text = _("We do not know whether it was started.")
    advice = (
        _("Not finished yet: its status still names the former sync. You may start it again.")
        if late
        else _("It is not sent again; we look every minute whether its status names a new sync.")
    )
    words = format_html(
        "{} {} {} {}", requested_text, unknown_text, operation_problem_text(operation), advice
    )
    return OperationStatus(
        TONE_WARN, "help-hexagon", _("Not known whether it was started"), words, "", pending=False
    )


_STATUS_BY_STATE = {
    OperationState.QUEUED: _queued_status,
    OperationState.SENDING: _sending_status,
    OperationState.DONE: _done_status,
    OperationState.REFUSED: _refused_status,
    OperationState.UNCLEAR: _unclear_status,
}

"""A switched connector in words: what was requested, its result, why it failed."""

from collections.abc import Collection

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.person_display_names import actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.status.types import CheckError
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.state_pill import BAD, GOOD, QUIET, WARN
from freddy_admin.web.presenters.user_time import UserTime


def connector_toggle_sentence(
    operation: RemoteOperation, user_time: UserTime, permissions: Collection[Permission]
) -> SafeString:
    """`Switching Gmail off, asked by Ana 5 s ago`, and its result once the operation has ended."""
    return format_html(
        _TOGGLE_SENTENCES[OperationState(operation.state), operation.enable](),
        name=operation.tool_name or operation.tool_key,
        who=actor_display_name(operation.requested_by, permissions),
        ago=user_time.render_ago(operation.requested_at),
    )


def connector_toggle_note(operation: RemoteOperation) -> str:
    """A second sentence on the state of the operation; may be empty."""
    if operation.state == OperationState.QUEUED:
        return _("It waits for the worker.")
    if operation.state == OperationState.SENDING:
        return _("It was sent; there is no answer yet.")
    if operation.state == OperationState.DONE:
        message = operation.result.get("message") if isinstance(operation.result, dict) else ""
        return _("Aitronos says: “%(said)s”") % {"said": message} if message else ""
    return " ".join(
        part for part in (_failure_reason(operation), _unclear_result_advice(operation)) if part
    )


def _failure_reason(operation: RemoteOperation) -> str:
    own_reason = _OWN_FAILURE_REASONS.get(operation.error_kind)
    if operation.error_http_status == 404:
        words = _("Aitronos knows no connector with the key %(key)s.") % {"key": operation.tool_key}
    else:
        words = (
            own_reason()
            if own_reason
            else f"{failure_wording(_check_error_from_operation(operation)).brief}."
        )
    if operation.error_message:
        words += " " + _("Aitronos says: “%(said)s”") % {"said": operation.error_message}
    return words


def _unclear_result_advice(operation: RemoteOperation) -> str:
    if operation.state != OperationState.UNCLEAR:
        return ""
    return _("It was not sent again. Check the list: it shows what is on by now.")


def _check_error_from_operation(operation: RemoteOperation) -> CheckError:
    return CheckError(
        kind=operation.error_kind,
        code=operation.error_code,
        http_status=operation.error_http_status,
        message="",
        field="",
        detail="",
        trace_id=operation.trace_id,
        request_id=operation.request_id,
    )


_OWN_FAILURE_REASONS = {
    "worker_lost": lambda: _("The worker stopped before an answer came."),
    "withheld": lambda: _("The worker was held up for too long, so it was not sent. Ask again."),
    "key_changed": lambda: _("The API key was changed or paused before this was sent."),
}
OPERATION_STYLES = {
    OperationState.QUEUED: (QUIET, "hourglass"),
    OperationState.SENDING: (QUIET, "refresh"),
    OperationState.DONE: (GOOD, "circle-check"),
    OperationState.REFUSED: (BAD, "circle-x"),
    OperationState.UNCLEAR: (WARN, "alert-triangle"),
}
_TOGGLE_SENTENCES = {
    (OperationState.QUEUED, True): lambda: _("Switching {name} on, asked by {who} {ago}"),
    (OperationState.QUEUED, False): lambda: _("Switching {name} off, asked by {who} {ago}"),
    (OperationState.SENDING, True): lambda: _("Switching {name} on, asked by {who} {ago}"),
    (OperationState.SENDING, False): lambda: _("Switching {name} off, asked by {who} {ago}"),
    (OperationState.DONE, True): lambda: _("{name} was switched on, asked by {who} {ago}"),
    (OperationState.DONE, False): lambda: _("{name} was switched off, asked by {who} {ago}"),
    (OperationState.REFUSED, True): lambda: _("{name} was not switched on, asked by {who} {ago}"),
    (OperationState.REFUSED, False): lambda: _("{name} was not switched off, asked by {who} {ago}"),
    (OperationState.UNCLEAR, True): lambda: _(
        "Nobody knows whether {name} was switched on, asked by {who} {ago}"
    ),
    (OperationState.UNCLEAR, False): lambda: _(
        "Nobody knows whether {name} was switched off, asked by {who} {ago}"
    ),
}

"""Switching a connector in words: what was asked for, what became of it, why it did not work."""

from collections.abc import Collection

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.names import actor_shown
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.models import Order, OrderState
from freddy_admin.sync.rows import CheckError
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.states import BAD, GOOD, QUIET, WARN
from freddy_admin.web.presenters.times import Reading


def switch_sentence(one: Order, on: Reading, permissions: Collection[Permission]) -> SafeString:
    """`Switching Gmail off, asked by Ana 5 s ago`, and what it is once it has ended."""
    return format_html(
        _SENTENCES[OrderState(one.state), one.enable](),
        name=one.tool_name or one.tool_key,
        who=actor_shown(one.requested_by, permissions),
        ago=on.ago(one.requested_at),
    )


def switch_note(one: Order) -> str:
    """What there is to say beside the sentence; may be empty."""
    if one.state == OrderState.QUEUED:
        return _("It waits for the worker.")
    if one.state == OrderState.SENDING:
        return _("It was sent; there is no answer yet.")
    if one.state == OrderState.DONE:
        said = one.result.get("message") if isinstance(one.result, dict) else ""
        return _("Aitronos says: “%(said)s”") % {"said": said} if said else ""
    return " ".join(part for part in (_why(one), _advice(one)) if part)


def _why(one: Order) -> str:
    own = _WHY.get(one.error_kind)
    if one.error_http_status == 404:
        words = _("Aitronos knows no connector with the key %(key)s.") % {"key": one.tool_key}
    else:
        words = own() if own else f"{failure(_error(one)).brief}."
    if one.error_message:
        words += " " + _("Aitronos says: “%(said)s”") % {"said": one.error_message}
    return words


def _advice(one: Order) -> str:
    if one.state != OrderState.UNCLEAR:
        return ""
    return _("It was not sent again. Check the list: it shows what is on by now.")


def _error(one: Order) -> CheckError:
    return CheckError(
        kind=one.error_kind,
        code=one.error_code,
        http_status=one.error_http_status,
        message="",
        field="",
        detail="",
        trace_id=one.trace_id,
        request_id=one.request_id,
    )


_WHY = {
    "worker_lost": lambda: _("The worker stopped before an answer came."),
    "withheld": lambda: _("The worker was held up for too long, so it was not sent. Ask again."),
    "key_changed": lambda: _("The API key was changed or paused before this was sent."),
}
LOOKS = {
    OrderState.QUEUED: (QUIET, "hourglass"),
    OrderState.SENDING: (QUIET, "refresh"),
    OrderState.DONE: (GOOD, "circle-check"),
    OrderState.REFUSED: (BAD, "circle-x"),
    OrderState.UNCLEAR: (WARN, "alert-triangle"),
}
_SENTENCES = {
    (OrderState.QUEUED, True): lambda: _("Switching {name} on, asked by {who} {ago}"),
    (OrderState.QUEUED, False): lambda: _("Switching {name} off, asked by {who} {ago}"),
    (OrderState.SENDING, True): lambda: _("Switching {name} on, asked by {who} {ago}"),
    (OrderState.SENDING, False): lambda: _("Switching {name} off, asked by {who} {ago}"),
    (OrderState.DONE, True): lambda: _("{name} was switched on, asked by {who} {ago}"),
    (OrderState.DONE, False): lambda: _("{name} was switched off, asked by {who} {ago}"),
    (OrderState.REFUSED, True): lambda: _("{name} was not switched on, asked by {who} {ago}"),
    (OrderState.REFUSED, False): lambda: _("{name} was not switched off, asked by {who} {ago}"),
    (OrderState.UNCLEAR, True): lambda: _(
        "Nobody knows whether {name} was switched on, asked by {who} {ago}"
    ),
    (OrderState.UNCLEAR, False): lambda: _(
        "Nobody knows whether {name} was switched off, asked by {who} {ago}"
    ),
}

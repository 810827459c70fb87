"""A sync that a person asked for, in words: how far it came, and what it brought."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.organisations.names import NOBODY, actor_shown
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.models import Order, OrderState
from freddy_admin.sync.rows import CheckError, KeyRow
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.times import Reading

BUSY, GOOD, WARN, BAD = "quiet", "good", "warn", "bad"
_SHOWN_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OrderView:
    """What to say of one order: a word, sentences, and whether more is to come."""

    tone: str
    icon: str
    word: str
    words: SafeString
    figures: str
    pending: bool


def order_note(row: KeyRow, on: Reading) -> str:
    """The short form, for a line of a list; "" where nothing was asked for."""
    if row.order_at is None:
        return ""
    parts = {"at": on.clock(row.order_at), "who": row.order_by}
    if row.sync_running:
        return _("sync requested %(at)s by %(who)s") % parts
    if row.order_is_late:
        return _("sync requested %(at)s by %(who)s, not finished yet") % parts
    return _("sync requested %(at)s by %(who)s, not seen yet") % parts


def latest_order(row: KeyRow, order: Order | None, on: Reading) -> OrderView | None:
    """The order with its key: while it is awaited, and for an hour after it ended."""
    if order is None:
        return None
    awaited = row.order_at == order.requested_at
    lately = order.finished_at is not None and on.now - order.finished_at < _SHOWN_FOR
    if not (awaited or lately):
        return None
    return order_view(order, on, late=row.order_is_late, permissions=row.permissions)


def order_view(
    order: Order,
    on: Reading,
    *,
    late: bool = False,
    permissions: Collection[Permission] = NOBODY,
) -> OrderView:
    """The long form; `late` says that the sync should have been seen by now.

    `permissions` are what the reader may do in the organisation.
    """
    asked = format_html(
        _("Requested {at} by {who}."),
        at=on.at(order.requested_at),
        who=actor_shown(order.requested_by, permissions),
    )
    return _VIEWS[OrderState(order.state)](order, on, asked, late)


def result_words(result: Mapping[str, Any]) -> str:
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


def problem_words(order: Order) -> str:
    """Why it was not done, or why nobody knows; "" where all is well."""
    if not order.error_kind:
        return ""
    if order.error_kind in _OWN:
        return _OWN[order.error_kind]()
    # The sentences on failures are those of a status check: these two would mislead here.
    if order.error_kind == FailureKind.SERVER_ERROR:
        status = {"status": order.error_http_status or 500}
        return _("Aitronos had an error of its own (%(status)s).") % status
    if order.state == OrderState.REFUSED and order.error_kind == FailureKind.UNEXPECTED_STATUS:
        return _("Aitronos refused (%(status)s).") % {"status": order.error_http_status}
    error = CheckError(
        kind=order.error_kind,
        code=order.error_code,
        http_status=order.error_http_status,
        message=order.error_message,
        field="",
        detail="",
        trace_id=order.trace_id,
        request_id=order.request_id,
    )
    return failure(error).words


_OWN = {
    "not_taken": lambda: _("No worker took it for half an hour, so it was given up."),
    "worker_lost": lambda: _("The worker ended while it waited for the answer."),
    "withheld": lambda: _("The worker was held up for too long, so it was not sent. Ask again."),
    "key_changed": lambda: _("The key was paused or revoked before it could be used."),
}


def _queued(order: Order, on: Reading, asked: SafeString, late: bool) -> OrderView:
    words = format_html("{} {}", asked, _("The worker sends it next."))
    return OrderView(BUSY, "hourglass", _("Waiting for the worker"), words, "", pending=True)


def _sending(order: Order, on: Reading, asked: SafeString, late: bool) -> OrderView:
    words = format_html(
        "{} {}",
        asked,
        _("It runs at Aitronos, which may take minutes. Until it ends nobody can start another."),
    )
    return OrderView(BUSY, "refresh", _("Running"), words, "", pending=True)


def _done(order: Order, on: Reading, asked: SafeString, late: bool) -> OrderView:
    brought, why = result_words(order.result), problem_words(order)
    figures = brought or why
    if order.confirmed_sync_at is not None:
        seen = format_html(_("Synced {at}."), at=on.at(order.confirmed_sync_at))
        words = format_html("{} {}", asked, seen)
        if why and not brought:
            figures = _("What it brought is not known. %(why)s") % {"why": why}
        return OrderView(GOOD, "circle-check", _("Synced"), words, figures, pending=False)
    waits = (
        _("Aitronos answered, but its status still names the former sync as the last one.")
        if late
        else _("Aitronos answered. We look every minute until its status names the new sync.")
    )
    words = format_html("{} {}", asked, waits)
    tone = WARN if late else BUSY
    word = _("Not finished yet") if late else _("Answered, not seen yet")
    return OrderView(tone, "clock", word, words, figures, pending=False)


def _refused(order: Order, on: Reading, asked: SafeString, late: bool) -> OrderView:
    words = format_html("{} {} {}", asked, _("Nothing was started."), problem_words(order))
    said = order.error_message
    quoted = _("Aitronos says: “%(said)s”") % {"said": said} if said else ""
    return OrderView(BAD, "circle-x", _("Not started"), words, quoted, pending=False)


def _unclear(order: Order, on: Reading, asked: SafeString, late: bool) -> OrderView:
    if order.confirmed_sync_at is not None:
        return _done(order, on, asked, late)
    unknown = _("We do not know whether it was started.")
    rest = (
        _("Not finished yet: its status still names the former sync. You may start it again.")
        if late
        else _("It is not sent again; we look every minute whether its status names a new sync.")
    )
    words = format_html("{} {} {} {}", asked, unknown, problem_words(order), rest)
    return OrderView(
        WARN, "help-hexagon", _("Not known whether it was started"), words, "", pending=False
    )


_VIEWS = {
    OrderState.QUEUED: _queued,
    OrderState.SENDING: _sending,
    OrderState.DONE: _done,
    OrderState.REFUSED: _refused,
    OrderState.UNCLEAR: _unclear,
}

"""What the worker and people do about the machine's clock; the rule itself is in `core`."""

import logging
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import (
    Hold,
    Reason,
    clocks_are_true,
    clocks_compare,
    clocks_confirm,
    clocks_repaired,
)
from freddy_admin.core.models import ClockState
from freddy_admin.sync.ahead import ahead_repair, ahead_written
from freddy_admin.sync.models import HistoryEvent, WorkerBeat

log = logging.getLogger(__name__)

# A panel that was off for so long is no surprise to whoever switched it on.
_OFF_AT_MOST = timedelta(days=31)


def clocks_look(*, now: datetime) -> None:
    """Compare the clocks; where the machine's is back from the future, set right what it wrote."""
    state = clocks_compare(now=now, seen=_newest)
    since = state.repair_from or _written_elsewhere(state, now)
    if since is None:
        return
    rows = ahead_repair(since=since, now=now)
    clocks_repaired()
    log.warning("A clock was ahead until now; %d rows that it had stamped were set right.", rows)


def _written_elsewhere(state: ClockState, now: datetime) -> datetime | None:
    """From when on moments are set right that only another process's clock can have written.

    A web server on another machine has a clock of its own; and a call that ended ahead of time
    may be written down just after this worker's clock was back.
    """
    after = now + clock.AHEAD
    return after if clocks_are_true(state) and ahead_written(after=after) else None


def clock_confirm(*, actor: Actor) -> None:
    """A person says that the machine's clock is right: what is held is deleted again."""
    clocks_confirm()
    audit_record(tag=Tag.CLOCK_CONFIRMED, actor=actor)


def hold_is_harmless(hold: Hold) -> bool:
    """Whether it looks as if the panel was off for a while, and nobody needs to do anything."""
    off = timedelta() < hold.apart <= _OFF_AT_MOST
    return hold.reason is Reason.GAP and off


def hold_sentence(hold: Hold, *, until: str) -> str:
    """Why nothing is deleted, and what to do; `until` is when it goes on, as the reader has it."""
    words = {"span": _span(abs(hold.apart)), "until": until}
    if hold.until is None:
        why = (
            _("This machine's clock and the database's are %(span)s apart.")
            if hold.reason is Reason.DATABASE
            else _("The machine's clock was moved by %(span)s.")
        )
        rest = _(
            "Until an hour after it is right, nothing is deleted for good. Set it right (NTP); if "
            "it is right now, confirm it."
        )
    else:
        why = (
            _("The panel did not run for %(span)s, or the clock was moved by that much.")
            if hold.apart > timedelta()
            else _("The machine's clock was set back by %(span)s.")
        )
        rest = _(
            "Nothing is deleted for good before %(until)s, or until somebody confirms the time."
        )
    return f"{why} {rest}" % words


def _span(span: timedelta) -> str:
    if span >= timedelta(days=2):
        return ngettext("%(n)d day", "%(n)d days", span.days) % {"n": span.days}
    hours = max(1, round(span / timedelta(hours=1)))
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


def _newest() -> datetime | None:
    """The newest sign of life in the database: a worker's, an event's, a row of history."""
    found = (
        WorkerBeat.objects.order_by("-beat_at").values_list("beat_at", flat=True).first(),
        AuditEvent.objects.order_by("-pk").values_list("at", flat=True).first(),
        HistoryEvent.objects.order_by("-pk").values_list("noticed_at", flat=True).first(),
    )
    return max((at for at in found if at is not None), default=None)

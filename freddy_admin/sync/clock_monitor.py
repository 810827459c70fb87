"""Clock checks of the worker, and the confirmation by a person; the rule is in `core`."""

import logging
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import (
    DeletionHold,
    DeletionHoldReason,
    are_future_timestamps_wrong,
    clock_comparison_record,
    machine_clock_confirmation_record,
    timestamp_repair_finish,
)
from freddy_admin.core.models import ClockState
from freddy_admin.sync.clock_repair import future_timestamps_repair, has_future_timestamps
from freddy_admin.sync.models import HistoryEvent, WorkerHeartbeat

log = logging.getLogger(__name__)

# A panel that was off for so long is no surprise to whoever switched it on.
_MAX_DOWNTIME = timedelta(days=31)


def clocks_check_and_repair(*, now: datetime) -> None:
    """Compare the clocks; once the machine's is no longer ahead, repair what it stamped."""
    state = clock_comparison_record(now=now, get_last_seen_at=_newest_recorded_moment)
    since = state.repair_from or _future_rows_cutoff(state, now)
    if since is None:
        return
    repaired_count = future_timestamps_repair(since=since, now=now)
    timestamp_repair_finish()
    log.warning(
        "A clock was ahead until now; %d rows that it had stamped were set right.", repaired_count
    )


def _future_rows_cutoff(state: ClockState, now: datetime) -> datetime | None:
    """After which moment rows can only have been stamped by another clock; None where none are.

    A web server on another machine has a clock of its own; and the result of a call that
    ended ahead of time may be stored just after this worker's clock was back.
    """
    cutoff = now + clock.FUTURE_TOLERANCE
    return (
        cutoff
        if are_future_timestamps_wrong(state) and has_future_timestamps(after=cutoff)
        else None
    )


def clock_confirm(*, actor: Actor) -> None:
    """A person confirms that the machine's clock is right: the deletion hold is lifted."""
    machine_clock_confirmation_record()
    audit_event_record(tag=AuditTag.CLOCK_CONFIRMED, actor=actor)


def is_deletion_hold_harmless(hold: DeletionHold) -> bool:
    """Whether the panel was probably off for a while, so that nobody needs to do anything."""
    is_short_downtime = timedelta() < hold.skew <= _MAX_DOWNTIME
    return hold.reason is DeletionHoldReason.GAP and is_short_downtime


def deletion_hold_sentence(hold: DeletionHold, *, until: str) -> str:
    """Why nothing is deleted, and what to do; `until` is when it is lifted, in the user's words."""
    params = {"span": _span_text(abs(hold.skew)), "until": until}
    if hold.until is None:
        cause = (
            _("This machine's clock and the database's are %(span)s apart.")
            if hold.reason is DeletionHoldReason.DATABASE
            else _("The machine's clock was moved by %(span)s.")
        )
        remedy = _(
            "Until an hour after it is right, nothing is deleted for good. Set it right (NTP); if "
            "it is right now, confirm it."
        )
    else:
        cause = (
            _("The panel did not run for %(span)s, or the clock was moved by that much.")
            if hold.skew > timedelta()
            else _("The machine's clock was set back by %(span)s.")
        )
        remedy = _(
            "Nothing is deleted for good before %(until)s, or until somebody confirms the time."
        )
    return f"{cause} {remedy}" % params


def _span_text(span: timedelta) -> str:
    if span >= timedelta(days=2):
        return ngettext("%(n)d day", "%(n)d days", span.days) % {"n": span.days}
    hours = max(1, round(span / timedelta(hours=1)))
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


def _newest_recorded_moment() -> datetime | None:
    """The newest moment in the database: of a heartbeat, an audit event or a history event."""
    moments = (
        WorkerHeartbeat.objects.order_by("-heartbeat_at")
        .values_list("heartbeat_at", flat=True)
        .first(),
        AuditEvent.objects.order_by("-pk").values_list("at", flat=True).first(),
        HistoryEvent.objects.order_by("-pk").values_list("noticed_at", flat=True).first(),
    )
    return max((moment for moment in moments if moment is not None), default=None)

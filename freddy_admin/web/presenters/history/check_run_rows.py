"""Check runs as table rows: checks in a row with identical results are one row."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.models import CheckOutcome, CheckRun
from freddy_admin.web.presenters.headline import format_sentence
from freddy_admin.web.presenters.timeline.event_sentence import (
    call_failure_reason,
    tool_counts_text,
)
from freddy_admin.web.presenters.user_time import UserTime


@dataclass(frozen=True, slots=True)
class CheckRunRow:
    """One check run; `note` holds the times that Aitronos reported."""

    start: SafeString
    end: SafeString
    count: str
    slowest: str
    result: str
    note: SafeString | str


def check_run_rows(runs: Sequence[CheckRun], user_time: UserTime) -> list[CheckRunRow]:
    """A row per check run, in the given order."""
    return [
        CheckRunRow(
            start=user_time.render_clock_cell(run.first_at),
            end=user_time.render_clock_cell(run.last_at),
            count=f"{run.count:,}",
            slowest=_format_milliseconds(run.worst_ms),
            result=_check_run_result_text(run),
            note=_reported_sync_times_text(run, user_time),
        )
        for run in runs
    ]


def _format_milliseconds(ms: float | None) -> str:
    if ms is None:
        return "—"
    return _("%(n)s ms") % {"n": round(ms)} if ms < 1000 else _("%(n).1f s") % {"n": ms / 1000}


def _check_run_result_text(run: CheckRun) -> str:
    if run.outcome != CheckOutcome.GOOD:
        error = {"kind": run.error_kind, "code": run.error_code, "http": run.error_http_status}
        return call_failure_reason(error) or _("Nothing")
    if run.enabled_tools is None or run.total_tools is None:
        return _("Figures")
    return tool_counts_text(run.enabled_tools, run.total_tools)


def _reported_sync_times_text(run: CheckRun, user_time: UserTime) -> SafeString | str:
    if run.outcome != CheckOutcome.GOOD:
        return ""
    last_sync = user_time.render_clock_cell(run.last_sync_at) if run.last_sync_at else _("never")
    next_sync = (
        user_time.render_clock_cell(run.next_sync_at) if run.next_sync_at else _("not named")
    )
    return format_sentence(
        _("Last synced: {last}. Next sync: {after}."), last=last_sync, after=next_sync
    )

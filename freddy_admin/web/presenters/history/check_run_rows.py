"""Check runs as table rows: checks in a row with identical results are one row."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.models import CheckOutcome, CheckRun
from freddy_admin.wording.event_details import failure_reason, tool_counts
from freddy_admin.wording.sentences import Moment, MomentStyle, format_number, render_html, say
from freddy_admin.wording.times import UserTime


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
            count=format_number(run.count),
            slowest=_format_milliseconds(run.worst_ms),
            result=_check_run_result_text(run),
            note=_reported_sync_times_text(run, user_time),
        )
        for run in runs
    ]


def _format_milliseconds(ms: float | None) -> str:
    if ms is None:
        return "—"
    if ms < 1000:
        return _("%(n)s ms") % {"n": round(ms)}
    return _("%(n)s s") % {"n": number_format(f"{ms / 1000:.1f}")}


def _check_run_result_text(run: CheckRun) -> str:
    if run.outcome != CheckOutcome.GOOD:
        reason = failure_reason(
            {"kind": run.error_kind, "code": run.error_code, "http": run.error_http_status}
        )
        return str(reason) if reason else _("Nothing")
    if run.enabled_tools is None or run.total_tools is None:
        return _("Figures")
    return str(tool_counts(run.enabled_tools, run.total_tools))


def _reported_sync_times_text(run: CheckRun, user_time: UserTime) -> SafeString | str:
    """The last and the next sync that a good run reported."""
    if run.outcome != CheckOutcome.GOOD:
        return ""
    last_sync_at = Moment(run.last_sync_at, MomentStyle.CLOCK_CELL) if run.last_sync_at else None
    next_sync_at = Moment(run.next_sync_at, MomentStyle.CLOCK_CELL) if run.next_sync_at else None
    sentence = say(
        _("Last synced: {last}. Next sync: {after}."),
        last=last_sync_at or _("never"),
        after=next_sync_at or _("not named"),
    )
    return render_html(sentence, user_time)

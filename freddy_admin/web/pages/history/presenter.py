"""The history of one key: status bars, the chart of its tools, and both as tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.history.state_spans import KeyHistory
from freddy_admin.sync.models import CheckOutcome, CheckRun
from freddy_admin.web.components import SelectOption, StatePill, state_pill
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.history.filters import TIME_WINDOWS, HistoryQuery, time_window_get
from freddy_admin.web.pages.history.status_bar import (
    StatusBar,
    StatusBarLegendItem,
    status_bar,
    status_bar_legend,
)
from freddy_admin.web.pages.history.tool_chart import ToolChart, tool_chart
from freddy_admin.wording.event_details import failure_reason, tool_counts
from freddy_admin.wording.sentences import Moment, MomentStyle, format_number, render_html, say
from freddy_admin.wording.times import UserTime, format_duration

TABLE_ROWS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class StateSpanRow:
    """One span; `pill` is None before the key was watched."""

    pill: StatePill | None
    start: SafeString
    end: SafeString | str
    length: str


@dataclass(frozen=True, slots=True)
class ToolCountRow:
    """From then on, so many tools."""

    at: SafeString
    enabled: str
    total: str


@dataclass(frozen=True, slots=True)
class HistorySection:
    """`windows` are the time windows of the chart; `digest` changes with state or tools."""

    anchor: str
    status_bars: list[StatusBar]
    legend: list[StatusBarLegendItem]
    chart: ToolChart
    windows: list[SelectOption]
    spans: list[StateSpanRow]
    spans_truncation_note: str
    tools: list[ToolCountRow]
    tools_truncation_note: str
    digest: str


def history_section(
    history: KeyHistory, query: HistoryQuery, user_time: UserTime
) -> HistorySection:
    """The history for one moment and the window that the address asks for."""
    window = time_window_get(query.window)
    anchor, latest = f"over-{history.key_id}", history.spans[-1]
    return HistorySection(
        anchor=anchor,
        status_bars=[status_bar(history, time_window, user_time) for time_window in TIME_WINDOWS],
        legend=status_bar_legend(history.spans),
        chart=tool_chart(history, window, user_time),
        windows=[
            SelectOption(
                query.build_url(anchor, over=time_window.word),
                str(time_window.short),
                time_window is window,
            )
            for time_window in TIME_WINDOWS
        ],
        spans=_state_span_rows(history, user_time),
        spans_truncation_note=truncation_note(len(history.spans)),
        tools=_tool_count_rows(history, user_time),
        tools_truncation_note=truncation_note(len(history.tools)),
        digest=values_digest(window.word, latest.start, latest.state, history.tools[-1]),
    )


def truncation_note(number: int) -> str:
    """`The latest 100 of 120 are shown.`; empty where all rows are shown."""
    if number <= TABLE_ROWS_LIMIT:
        return ""
    return _("The latest %(shown)s of %(all)s are shown.") % {
        "shown": TABLE_ROWS_LIMIT,
        "all": format_number(number),
    }


def _state_span_rows(history: KeyHistory, user_time: UserTime) -> list[StateSpanRow]:
    latest = history.spans[-TABLE_ROWS_LIMIT:][::-1]
    return [
        StateSpanRow(
            pill=state_pill(span.state) if span.state else None,
            start=user_time.render_clock_cell(span.start),
            end=user_time.render_clock_cell(span.end) if span.end < history.end else _("still so"),
            length=format_duration(span.duration.total_seconds()),
        )
        for span in latest
    ]


def _tool_count_rows(history: KeyHistory, user_time: UserTime) -> list[ToolCountRow]:
    return [
        ToolCountRow(
            at=user_time.render_clock_cell(step.at),
            enabled=_tool_count_text(step.enabled),
            total=_tool_count_text(step.total),
        )
        for step in history.tools[-TABLE_ROWS_LIMIT:][::-1]
    ]


def _tool_count_text(number: int | None) -> str:
    return _("not known") if number is None else format_number(number)


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

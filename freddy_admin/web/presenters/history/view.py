"""What was, of one key: strips, the chart of its tools, and the same as tables."""

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.history.spans import KeyHistory
from freddy_admin.web.past_query import PastQuery
from freddy_admin.web.presenters.choices import Choice
from freddy_admin.web.presenters.history.strips import LegendItem, Strip, legend, strip
from freddy_admin.web.presenters.history.tool_chart import Chart, tool_chart
from freddy_admin.web.presenters.history.windows import WINDOWS, window_named
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.states import Pill, pill
from freddy_admin.web.presenters.times import Reading, span_words

ROWS = 100


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span; `pill` is None before the key was watched."""

    pill: Pill | None
    start: SafeString
    end: SafeString | str
    length: str


@dataclass(frozen=True, slots=True)
class ToolRow:
    """From then on, so many tools."""

    at: SafeString
    enabled: str
    total: str


@dataclass(frozen=True, slots=True)
class HistoryView:
    """`windows` are the ways to look at the chart; `mark` changes with the state or the tools."""

    anchor: str
    strips: list[Strip]
    legend: list[LegendItem]
    chart: Chart
    windows: list[Choice]
    spans: list[SpanRow]
    spans_cut: str
    tools: list[ToolRow]
    tools_cut: str
    mark: str


def history_view(history: KeyHistory, query: PastQuery, on: Reading) -> HistoryView:
    """The history for one moment and the window that the address asks for."""
    window = window_named(query.over)
    anchor, latest = f"over-{history.key_id}", history.spans[-1]
    return HistoryView(
        anchor=anchor,
        strips=[strip(history, one, on) for one in WINDOWS],
        legend=legend(history.spans),
        chart=tool_chart(history, window, on),
        windows=[
            Choice(query.address(anchor, over=one.word), str(one.short), one is window)
            for one in WINDOWS
        ],
        spans=_span_rows(history, on),
        spans_cut=cut_words(len(history.spans)),
        tools=_tool_rows(history, on),
        tools_cut=cut_words(len(history.tools)),
        mark=mark_of(window.word, latest.start, latest.state, history.tools[-1]),
    )


def cut_words(number: int) -> str:
    """Says so where a table shows the latest of more rows."""
    if number <= ROWS:
        return ""
    return _("The latest %(shown)s of %(all)s are shown.") % {"shown": ROWS, "all": f"{number:,}"}


def _span_rows(history: KeyHistory, on: Reading) -> list[SpanRow]:
    latest = history.spans[-ROWS:][::-1]
    return [
        SpanRow(
            pill=pill(span.state) if span.state else None,
            start=on.stamp(span.start),
            end=on.stamp(span.end) if span.end < history.end else _("still so"),
            length=span_words(span.length.total_seconds()),
        )
        for span in latest
    ]


def _tool_rows(history: KeyHistory, on: Reading) -> list[ToolRow]:
    return [
        ToolRow(at=on.stamp(step.at), enabled=_number(step.enabled), total=_number(step.total))
        for step in history.tools[-ROWS:][::-1]
    ]


def _number(number: int | None) -> str:
    return _("not known") if number is None else f"{number:,}"

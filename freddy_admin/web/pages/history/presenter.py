"""What happened to keys, on their own pages and their organisation's.

The timeline of events, and of one key the states and tools over time and the runs of checks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from math import floor
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.access import Access, actor_name_masked
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.timeline import (
    EVENT_GROUPS,
    KeyHistory,
    StateSpan,
    TimelineEntry,
    TimelinePage,
)
from freddy_admin.sync.models import CheckOutcome, CheckRun
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.web.components import SelectOption, state_pill
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.history.charts import (
    render_slot_svg,
    state_label,
    status_bar_legend,
    status_bar_slots,
    tool_chart,
)
from freddy_admin.web.pages.history.filters import (
    TIME_WINDOWS,
    HistoryQuery,
    TimeWindow,
    time_window_get,
)
from freddy_admin.wording.events import event_wording
from freddy_admin.wording.failures import failure_reason
from freddy_admin.wording.keys import tool_counts
from freddy_admin.wording.sentences import (
    Phrases,
    format_number,
    moment_cell,
    render_html,
    render_text,
    say,
)
from freddy_admin.wording.times import UserTime, format_duration

TIMELINE_ANCHOR = "timeline"
# Above this a list of all keys is no help: each key's own page has its timeline.
KEY_OPTIONS_LIMIT = 100
TABLE_ROWS_LIMIT = 100


def timeline_section(
    page: TimelinePage,
    query: HistoryQuery,
    user_time: UserTime,
    *,
    access: Access,
    rows: Sequence[KeyRow],
) -> dict[str, Any] | None:
    """One page of events, by day, newest first; `rows` are the keys the page is about.

    None where there is nothing to tell or to ask for. The digest changes when an event or a
    filter does.
    """
    if not (rows or page.entries or query.is_narrowed):
        return None
    labels = {row.key_id: row.key_label for row in rows}
    number, today = page.filters.page, user_time.now.astimezone(user_time.zone).date()
    key_options = [] if query.is_key_page else _key_options(labels, page)
    entries = [_mask_actor_email(entry, access) for entry in page.entries]
    days = groupby(entries, key=lambda entry: user_time.format_day_heading(entry.at))
    return {
        "anchor": TIMELINE_ANCHOR,
        "digest": values_digest(page.filters, entries, page.has_older, today, *key_options),
        "days": [
            (
                name,
                [timeline_event(entry, user_time, query, access, labels) for entry in day_entries],
            )
            for name, day_entries in days
        ],
        "kind_options": _event_kind_options(page.filters.group),
        "keys": key_options,
        "path": f"{query.path}#{TIMELINE_ANCHOR}",
        "hidden_fields": query.hidden_fields("show", "events", *(["key"] if key_options else [])),
        "narrowed": query.is_narrowed,
        "clear_url": query.build_url(TIMELINE_ANCHOR, group="", key_id=None, page=1),
        "newer": query.build_url(TIMELINE_ANCHOR, page=number - 1) if number > 1 else "",
        "older": query.build_url(TIMELINE_ANCHOR, page=number + 1) if page.has_older else "",
        "page": number,
    }


def _mask_actor_email(entry: TimelineEntry, access: Access) -> TimelineEntry:
    actor = actor_name_masked(entry.actor_name, access.permissions)
    return entry if actor == entry.actor_name else replace(entry, actor_name=actor)


def timeline_event(
    entry: TimelineEntry,
    user_time: UserTime,
    query: HistoryQuery,
    access: Access,
    labels: Mapping[int, str],
) -> dict[str, Any]:
    """One line; it names its key only where the page shows several, by their ids in `labels`."""
    # Times within a sentence name their day only where it is not the event's own.
    that_day = replace(user_time, now=entry.at)
    wording = event_wording(entry)
    is_one_of_several = len(labels) > 1 or entry.key_id not in labels
    names_key = entry.key_id is not None and is_one_of_several and not query.is_key_page
    key_args = [access.organisation.slug, entry.key_id]
    return {
        "icon": wording.icon,
        "tone": wording.tone,
        "words": render_html(wording.words, that_day),
        "note": render_html(wording.notes, that_day),
        "time": user_time.render_time_of_day(entry.at),
        "key_label": entry.key_label if names_key else "",
        "key_href": reverse("key", args=key_args) if names_key else "",
    }


def _event_kind_options(selected_group: str) -> list[SelectOption]:
    words = {
        "syncs": _("Syncs"),
        "schedule": _("Schedule"),
        "tools": _("Tools"),
        "failures": _("Failed checks"),
        "states": _("States"),
        "people": _("People"),
    }
    return [
        SelectOption(group, words.get(group, group), group == selected_group)
        for group in EVENT_GROUPS
    ]


def _key_options(labels: Mapping[int, str], page: TimelinePage) -> list[SelectOption]:
    """The keys to choose from; one that is not watched any more where it is the chosen one."""
    selected_key_id = page.filters.key_id
    all_labels = dict(labels) | {
        entry.key_id: entry.key_label for entry in page.entries if selected_key_id
    }
    if not 1 < len(all_labels) <= KEY_OPTIONS_LIMIT:
        return []
    return [SelectOption(str(pk), label, pk == selected_key_id) for pk, label in all_labels.items()]


def history_section(
    history: KeyHistory, query: HistoryQuery, user_time: UserTime
) -> dict[str, Any]:
    """One key over time, its chart of tools for the window that the address asks for."""
    window = time_window_get(query.window)
    anchor = f"over-{history.key_id}"
    return {
        "anchor": anchor,
        "status_bars": [
            status_bar(history, time_window, user_time) for time_window in TIME_WINDOWS
        ],
        "legend": status_bar_legend(history.spans),
        "chart": tool_chart(history, window, user_time),
        "windows": [
            SelectOption(
                query.build_url(anchor, window=time_window.word),
                str(time_window.short),
                time_window is window,
            )
            for time_window in TIME_WINDOWS
        ],
        "spans": _state_span_rows(history, user_time),
        "spans_truncation_note": _truncation_note(len(history.spans)),
        "tools": _tool_count_rows(history, user_time),
        "tools_truncation_note": _truncation_note(len(history.tools)),
    }


def status_bar(history: KeyHistory, window: TimeWindow, user_time: UserTime) -> dict[str, Any]:
    """One window of a key's history: its name, how much was on time, and the whole as a label."""
    part = history.restrict_to_last(window.length)
    share = on_time_share(history, part, window, user_time)
    shares = _state_shares(part.spans, part.end - part.start)
    label = say(_("{window}: {share}. {shares}."), window=window.name, share=share, shares=shares)
    slots = status_bar_slots(part.spans, part.start, part.end)
    drawing = format_html_join("", "{}", ((render_slot_svg(slot, user_time),) for slot in slots))
    return {"name": window.name, "share": share, "label": str(label), "drawing": drawing}


def on_time_share(
    history: KeyHistory, part: KeyHistory, window: TimeWindow, user_time: UserTime
) -> str:
    """`98.2 % on time, measured 97 % of the week`, as a clause; `part` is that of the window.

    Time without data is no share: where there is none now, the clause says since when and why, and
    where the history begins within the window, when.
    """
    share, gap = part.up_to_date_share, history.data_gap
    on_time = measured = ""
    if share.up_to_date is not None:
        on_time = format_percent_rounded_down(share.up_to_date, 1)
        measured = format_percent_rounded_down(share.measured_share, 0)
    if gap is not None and gap.state not in {None, HealthState.NOT_CHECKED}:
        if gap.start <= history.start:
            return _("No data in these 30 days: %(state)s") % {"state": gap.state.label}
        parts = {"at": user_time.format_clock(gap.start), "state": gap.state.label}
        if not on_time:
            return _("No data since %(at)s: %(state)s") % parts
        text = _("No data since %(at)s: %(state)s. Before that %(on_time)s on time")
        return text % (parts | {"on_time": on_time})
    begins_at = history.begins_at
    if begins_at is not None and begins_at > part.start:
        begin = _history_begin(begins_at, user_time)
        if not on_time:
            return begin
        return _("%(begin)s: %(on_time)s on time since") % {"begin": begin, "on_time": on_time}
    if not on_time:
        return _("no measured time yet")
    return render_text(say(window.share_text, on_time=on_time, measured=measured))


def _history_begin(at: datetime, user_time: UserTime) -> str:
    if at.astimezone(user_time.zone).date() == user_time.now.astimezone(user_time.zone).date():
        return _("History begins today")
    return _("History begins %(day)s") % {"day": user_time.format_date(at)}


def format_percent_rounded_down(share: float, digits: int) -> str:
    """Rounded down: `100 %` is all of it, and a little bit is never `0 %`."""
    scale = 10**digits
    whole = 100 * scale
    # Less than a millionth of a step is the floating point's, not the share's.
    parts = whole if share >= 1 else min(floor(share * whole + 1e-6), whole - 1)
    if parts == 0 and share > 0:
        return _("under %(least)s %%") % {"least": number_format(f"{1 / scale:g}")}
    return _("%(n)s %%") % {"n": number_format(f"{parts / scale:g}")}


def _state_shares(spans: Iterable[StateSpan], window: timedelta) -> Phrases:
    """`Up to date 90 %, Overdue 10 %`: how the window was spent, the longest first."""
    lengths: Counter[HealthState | None] = Counter()
    for span in spans:
        lengths[span.state] += span.duration / window if window else 0  # type: ignore[assignment]
    shares = (
        say(
            _("{state} {percent}"),
            state=state_label(state),
            percent=format_percent_rounded_down(part, 0),
        )
        for state, part in sorted(lengths.items(), key=lambda pair: -pair[1])
    )
    return Phrases(tuple(shares), ", ")


def _truncation_note(number: int) -> str:
    """`The latest 100 of 120 are shown.`; empty where all rows are shown."""
    if number <= TABLE_ROWS_LIMIT:
        return ""
    return _("The latest %(shown)s of %(all)s are shown.") % {
        "shown": TABLE_ROWS_LIMIT,
        "all": format_number(number),
    }


def _state_span_rows(history: KeyHistory, user_time: UserTime) -> list[dict[str, Any]]:
    """The latest states, newest first; without a pill before the key was watched."""
    return [
        {
            "pill": state_pill(span.state) if span.state else None,
            "start": user_time.render_clock_cell(span.start),
            "end": user_time.render_clock_cell(span.end)
            if span.end < history.end
            else _("still so"),
            "length": format_duration(span.duration.total_seconds()),
        }
        for span in history.spans[-TABLE_ROWS_LIMIT:][::-1]
    ]


def _tool_count_rows(history: KeyHistory, user_time: UserTime) -> list[tuple[SafeString, str, str]]:
    """Since when so many tools were on, of so many; newest first."""
    return [
        (
            user_time.render_clock_cell(step.at),
            _tool_count_text(step.enabled),
            _tool_count_text(step.total),
        )
        for step in history.tools[-TABLE_ROWS_LIMIT:][::-1]
    ]


def _tool_count_text(number: int | None) -> str:
    return _("not known") if number is None else format_number(number)


def check_run_rows(runs: Sequence[CheckRun], user_time: UserTime) -> list[dict[str, Any]]:
    """A row per check run, in the given order; `note` holds the times that Aitronos reported."""
    return [
        {
            "start": user_time.render_clock_cell(run.first_at),
            "end": user_time.render_clock_cell(run.last_at),
            "count": format_number(run.count),
            "slowest": _format_milliseconds(run.worst_ms),
            "result": _check_run_result_text(run),
            "note": _reported_sync_times_text(run, user_time),
        }
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
        reason = failure_reason(run.error_kind, run.error_code, run.error_http_status)
        return str(reason) if reason else _("Nothing")
    if run.enabled_tools is None or run.total_tools is None:
        return _("Figures")
    return str(tool_counts(run.enabled_tools, run.total_tools))


def _reported_sync_times_text(run: CheckRun, user_time: UserTime) -> SafeString | str:
    """The last and the next sync that a good run reported."""
    if run.outcome != CheckOutcome.GOOD:
        return ""
    sentence = say(
        _("Last synced: {last}. Next sync: {after}."),
        last=moment_cell(run.last_sync_at) if run.last_sync_at else _("never"),
        after=moment_cell(run.next_sync_at) if run.next_sync_at else _("not named"),
    )
    return render_html(sentence, user_time)

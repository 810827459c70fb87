"""The events of one organisation, newest first, and each key's states and tools over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent
from freddy_admin.sync.models.history import STATE_EVENT_KINDS
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.vault.models import ApiKey

# Time in these states was measured: a sync was on time in it, or was not.
MEASURED_STATES = frozenset(
    {HealthState.UP_TO_DATE, HealthState.LATE, HealthState.OVERDUE, HealthState.NEVER_SYNCED}
)
# In these states the latest figures say nothing of the present.
STATES_WITHOUT_DATA = (
    frozenset(HealthState) - MEASURED_STATES - {HealthState.WAITING, HealthState.NO_SCHEDULE}
)
_STATE_EVENT_KINDS = frozenset({EventKind.HEALTH_CHANGED, EventKind.KEY_CHANGED})
_STATE_VALUES = (None, "", *HealthState.values)
# Tools on, and all there are; None where it was not known.
ToolCounts = tuple[int | None, int | None]
TIMELINE_PAGE_SIZE = 25
CHECK_RUNS_LIMIT = 50
HISTORY_WINDOW = timedelta(days=30)
# What a user may filter by: the word in the address, and the kinds of event it stands for.
EVENT_GROUPS: Mapping[str, tuple[EventKind, ...]] = MappingProxyType(
    {
        "syncs": (EventKind.SYNC_SEEN, EventKind.SYNC_SKIPPED, EventKind.SYNC_TAKEN_BACK),
        "schedule": (EventKind.SCHEDULE_CHANGED,),
        "tools": (EventKind.TOOLS_CHANGED,),
        "failures": (EventKind.CHECK_FAILED,),
        "states": (EventKind.HEALTH_CHANGED,),
        "people": (EventKind.KEY_CHANGED, EventKind.PERSON_ACTION),
    }
)
ENTRY_COLUMNS = ("kind", "at", "noticed_at", "until", "actor_name", "details")


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event, with the label of its key where it is about one."""

    id: int
    kind: EventKind
    at: datetime
    noticed_at: datetime
    until: datetime | None
    actor_name: str
    details: dict[str, Any]
    key_id: int | None
    key_label: str


@dataclass(frozen=True, slots=True)
class TimelineFilters:
    """`group` is a word of `EVENT_GROUPS` or "" for all; `key_id` one key or None for all."""

    group: str = ""
    key_id: int | None = None
    page: int = 1


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """One page of the timeline; `has_older` says whether an older one follows."""

    filters: TimelineFilters
    entries: tuple[TimelineEntry, ...]
    has_older: bool


def timeline_page(*, organisation: Organisation, filters: TimelineFilters) -> TimelinePage:
    """One page of the events of this organisation, newest first, in one query."""
    events = timeline_events(organisation=organisation, filters=filters)
    start = (filters.page - 1) * TIMELINE_PAGE_SIZE
    rows = list(
        events.order_by("-at", "-id").values("id", "key_id", "key__label", *ENTRY_COLUMNS)[
            start : start + TIMELINE_PAGE_SIZE + 1
        ]
    )
    entries = tuple(timeline_entry_from_values(values) for values in rows[:TIMELINE_PAGE_SIZE])
    return TimelinePage(filters, entries, has_older=len(rows) > TIMELINE_PAGE_SIZE)


def timeline_events(
    *, organisation: Organisation, filters: TimelineFilters
) -> QuerySet[HistoryEvent]:
    """The events of this organisation that the filters leave, unordered and of every page."""
    events = HistoryEvent.objects.filter(organisation=organisation)
    if filters.group in EVENT_GROUPS:
        events = events.filter(kind__in=EVENT_GROUPS[filters.group])
    if filters.key_id is not None:
        events = events.filter(key_id=filters.key_id)
    return events


def timeline_entry_from_values(values: dict[str, Any]) -> TimelineEntry:
    """One event from the values of its row."""
    return TimelineEntry(
        id=values["id"],
        key_id=values["key_id"],
        key_label=values["key__label"] or "",
        kind=EventKind(values["kind"]),
        **{name: values[name] for name in ENTRY_COLUMNS if name != "kind"},
    )


@dataclass(frozen=True, slots=True)
class ReplayEvent:
    """The part of a history event that a replay reads."""

    kind: EventKind
    at: datetime
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateSpan:
    """A span of time in one state; None before the key was watched."""

    start: datetime
    end: datetime
    state: HealthState | None

    @property
    def duration(self) -> timedelta:
        """How long it lasted."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class ToolCountStep:
    """How many tools were on from `at` on, and how many there were; None where it is not known."""

    at: datetime
    enabled: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class UpToDateShare:
    """How much of a window was on time, and how much of the window was measured at all.

    Both from 0 to 1; `up_to_date` is a share of the measured time and None where there is none.
    """

    up_to_date: float | None
    measured_share: float


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """One key's window: `spans` cover it without gaps, `tools` are in order of time."""

    key_id: int
    label: str
    start: datetime
    end: datetime
    spans: tuple[StateSpan, ...]
    tools: tuple[ToolCountStep, ...]

    def restrict_to_last(self, duration: timedelta) -> "KeyHistory":
        """The history of the last `duration` of the window alone."""
        start = max(self.start, self.end - duration)
        spans = clip_state_spans(self.spans, start, self.end)
        return replace(
            self, start=start, spans=spans, tools=tool_count_steps_since(self.tools, start)
        )

    @property
    def begins_at(self) -> datetime | None:
        """When the first check of the key ended; None where the window begins later, or never."""
        before = (None, HealthState.NOT_CHECKED)
        index = next((n for n, span in enumerate(self.spans) if span.state not in before), 0)
        return self.spans[index].start if index else None

    @property
    def data_gap(self) -> StateSpan | None:
        """From when on there is no data up to the window's end, and the state there; else None."""
        gap = list(takewhile(lambda span: span.state in STATES_WITHOUT_DATA, reversed(self.spans)))
        return replace(gap[0], start=gap[-1].start) if gap else None

    @property
    def up_to_date_share(self) -> UpToDateShare:
        """How much of this window was on time."""
        return compute_up_to_date_share(self.spans, self.end - self.start)


def key_history_map(*, rows: Sequence[KeyRow], now: datetime) -> dict[int, KeyHistory]:
    """The last thirty days of each of these keys, replayed from their events; one query."""
    ids, start = [row.key_id for row in rows], now - HISTORY_WINDOW
    replay_events: dict[int, list[ReplayEvent]] = {pk: [] for pk in ids}
    events = HistoryEvent.objects.filter(
        key_id__in=ids, at__gte=start, at__lte=now, kind__in=STATE_EVENT_KINDS
    )
    for key_id, kind, at, details in events.order_by("at", "id").values_list(
        "key_id", "kind", "at", "details"
    ):
        replay_events[key_id].append(ReplayEvent(EventKind(kind), at, details))
    return {
        row.key_id: _key_history_from_row(row, replay_events[row.key_id], start, now)
        for row in rows
    }


def check_run_list(*, key: ApiKey) -> list[CheckRun]:
    """The latest runs of identical checks of one key that are over, newest first."""
    runs = CheckRun.objects.filter(organisation_id=key.organisation_id, key=key)
    return list(runs.order_by("-last_at")[:CHECK_RUNS_LIMIT])


def compute_up_to_date_share(spans: Iterable[StateSpan], window: timedelta) -> UpToDateShare:
    """How much of the measured time in `spans` was on time; `window` is the whole duration."""
    measured = up_to_date = timedelta()
    for span in spans:
        if span.state in MEASURED_STATES:
            measured += span.duration
        if span.state == HealthState.UP_TO_DATE:
            up_to_date += span.duration
    share = up_to_date / measured if measured else None
    return UpToDateShare(up_to_date=share, measured_share=measured / window if window else 0.0)


def replay_key_history(  # noqa: PLR0913  the parts of one key's window, all by name
    events: Sequence[ReplayEvent],
    *,
    key_id: int,
    label: str,
    start: datetime,
    end: datetime,
    state: HealthState | None,
    tools: ToolCounts,
) -> KeyHistory:
    """Replay the window's events, oldest first; `state` and `tools` are those at its end.

    Each event says what it changed from, so nothing before the window has to be known.
    """
    spans = tuple(_merge_equal_spans(_replay_state_spans(events, start, end, state)))
    steps = tuple(_mask_unknown_tool_counts(_replay_tool_steps(events, start, tools), spans))
    return KeyHistory(key_id, label, start, end, spans, steps)


def clip_state_spans(
    spans: Sequence[StateSpan], start: datetime, end: datetime
) -> tuple[StateSpan, ...]:
    """The parts of the spans that lie between `start` and `end`."""
    return tuple(
        StateSpan(max(span.start, start), min(span.end, end), span.state)
        for span in spans
        if span.end > start and span.start < end
    )


def tool_count_steps_since(
    steps: Sequence[ToolCountStep], start: datetime
) -> tuple[ToolCountStep, ...]:
    """The steps from `start` on; the one that was in force at `start` is moved to it."""
    steps_before = [step for step in steps if step.at <= start]
    first_step = (
        [ToolCountStep(start, steps_before[-1].enabled, steps_before[-1].total)]
        if steps_before
        else []
    )
    return (*first_step, *(step for step in steps if step.at > start))


def state_change_from_event(
    event: ReplayEvent,
) -> tuple[HealthState | None, HealthState | None] | None:
    """The states before and after an event; None where it changed none or cannot be read."""
    state_values = event.details.get("state")
    if (
        event.kind not in _STATE_EVENT_KINDS
        or not isinstance(state_values, list)
        or len(state_values) != 2
    ):
        return None
    if any(value not in _STATE_VALUES for value in state_values):
        return None
    before, after = (HealthState(value) if value else None for value in state_values)
    return before, after


def _replay_state_spans(
    events: Iterable[ReplayEvent], start: datetime, end: datetime, state: HealthState | None
) -> Iterable[StateSpan]:
    changes = [(event.at, change) for event in events if (change := state_change_from_event(event))]
    current_state = changes[0][1][0] if changes else state
    since = start
    for at, (_, state_after) in changes:
        at = min(max(at, since), end)
        if state_after == current_state:
            continue
        if at > since:
            yield StateSpan(since, at, current_state)
        since, current_state = at, state_after
    if end > since:
        yield StateSpan(since, end, current_state)


def _merge_equal_spans(spans: Iterable[StateSpan]) -> Iterable[StateSpan]:
    """One span for neighbours of one state, as around a change that lasted no time."""
    merged: StateSpan | None = None
    for span in spans:
        if merged is not None and merged.state == span.state:
            merged = StateSpan(merged.start, span.end, merged.state)
            continue
        if merged is not None:
            yield merged
        merged = span
    if merged is not None:
        yield merged


def _replay_tool_steps(
    events: Iterable[ReplayEvent], start: datetime, tools: ToolCounts
) -> list[ToolCountStep]:
    tool_events = [event for event in events if event.kind == EventKind.TOOLS_CHANGED]
    changes = [
        (event.at, _event_tool_counts(event, 0), _event_tool_counts(event, 1))
        for event in tool_events
    ]
    counts_at_start = changes[0][1] if changes else tools
    steps = [ToolCountStep(start, *counts_at_start)]
    for at, _, counts_after in changes:
        steps.append(ToolCountStep(max(at, steps[-1].at), *counts_after))
    return steps


def _event_tool_counts(event: ReplayEvent, side: int) -> ToolCounts:
    """The tool counts before (side 0) or after (side 1) this event; None where it does not say."""
    details = event.details
    return _parse_tool_count(details.get("enabled"), side), _parse_tool_count(
        details.get("total"), side
    )


def _parse_tool_count(change: object, side: int) -> int | None:
    count = change[side] if isinstance(change, list) and len(change) == 2 else None
    return count if isinstance(count, int) else None


def _mask_unknown_tool_counts(
    steps: Sequence[ToolCountStep], spans: Sequence[StateSpan]
) -> Iterable[ToolCountStep]:
    """The steps, with a step to None where nothing was known; none repeats the one before it."""
    remaining, current = list(reversed(steps)), steps[0]
    last_counts: ToolCounts | None = None
    for span in spans:
        is_unknown = span.state is None or span.state in STATES_WITHOUT_DATA
        while remaining and remaining[-1].at <= span.start:
            current = remaining.pop()
        steps_in_span = [ToolCountStep(span.start, current.enabled, current.total)]
        while remaining and remaining[-1].at < span.end:
            steps_in_span.append(current := remaining.pop())
        for step in [ToolCountStep(span.start, None, None)] if is_unknown else steps_in_span:
            if (step.enabled, step.total) != last_counts:
                yield step
            last_counts = (step.enabled, step.total)


def _key_history_from_row(
    row: KeyRow,
    replay_events: list[ReplayEvent],
    start: datetime,
    now: datetime,
) -> KeyHistory:
    state_value = row.recorded_state
    # Unknown comes with time alone: it is true before a worker records it.
    if (
        state_value not in {"", HealthState.UNKNOWN, HealthState.PAUSED}
        and row.unknown_at
        and row.unknown_at < now
    ):
        since = max(row.unknown_at, replay_events[-1].at if replay_events else start)
        state_values = [state_value, HealthState.UNKNOWN.value]
        replay_events.append(ReplayEvent(EventKind.HEALTH_CHANGED, since, {"state": state_values}))
        state_value = HealthState.UNKNOWN
    figures = row.figures
    return replay_key_history(
        replay_events,
        key_id=row.key_id,
        label=row.key_label,
        start=start,
        end=now,
        state=HealthState(state_value) if state_value else None,
        tools=(figures.enabled_tools, figures.total_tools) if figures else (None, None),
    )

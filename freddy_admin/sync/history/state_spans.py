"""What a key's history says of a window: its states, its tools, how much of it was on time.

Pure: built from events alone, so that replaying them always gives the same. Times are aware.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import EventKind

# Time in these states was measured: a sync was on time in it, or was not.
UP_TO_DATE_STATES = frozenset({HealthState.UP_TO_DATE})
MEASURED_STATES = UP_TO_DATE_STATES | {
    HealthState.LATE,
    HealthState.OVERDUE,
    HealthState.NEVER_SYNCED,
}

# Tools on, and all there are; None where it was not known.
ToolCounts = tuple[int | None, int | None]


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
        return KeyHistory(
            key_id=self.key_id,
            label=self.label,
            start=start,
            end=self.end,
            spans=clip_state_spans(self.spans, start, self.end),
            tools=tool_count_steps_since(self.tools, start),
        )

    @property
    def up_to_date_share(self) -> UpToDateShare:
        """How much of this window was on time."""
        return compute_up_to_date_share(self.spans, self.end - self.start)


def compute_up_to_date_share(spans: Iterable[StateSpan], window: timedelta) -> UpToDateShare:
    """How much of the measured time in `spans` was on time; `window` is the whole duration."""
    measured = up_to_date = timedelta()
    for span in spans:
        if span.state in MEASURED_STATES:
            measured += span.duration
        if span.state in UP_TO_DATE_STATES:
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


_STATE_EVENT_KINDS = frozenset({EventKind.HEALTH_CHANGED, EventKind.KEY_CHANGED})
_STATE_VALUES = (None, "", *HealthState.values)
# In these states the latest figures say nothing of the present.
_STATES_WITHOUT_TOOLS = (
    frozenset(HealthState) - MEASURED_STATES - {HealthState.WAITING, HealthState.NO_SCHEDULE}
)


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
        is_unknown = span.state is None or span.state in _STATES_WITHOUT_TOOLS
        while remaining and remaining[-1].at <= span.start:
            current = remaining.pop()
        steps_in_span = [ToolCountStep(span.start, current.enabled, current.total)]
        while remaining and remaining[-1].at < span.end:
            steps_in_span.append(current := remaining.pop())
        for step in [ToolCountStep(span.start, None, None)] if is_unknown else steps_in_span:
            if (step.enabled, step.total) != last_counts:
                yield step
            last_counts = (step.enabled, step.total)

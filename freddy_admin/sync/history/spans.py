"""What a key's history says of a stretch of time: its states, its tools, how much was on time.

Pure: built from events alone, so that replaying them always gives the same. Times are aware.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from freddy_admin.sync.models import EventKind
from freddy_admin.sync.states import State

# Time in these states was measured and can be judged: a sync was on time in it, or was not.
ON_TIME = frozenset({State.UP_TO_DATE})
JUDGED = ON_TIME | {State.LATE, State.OVERDUE, State.NEVER_SYNCED}


# Tools on, and all there are; None where it was not known.
Pair = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as the history's rules read it."""

    kind: EventKind
    at: datetime
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in one state; None before the key was watched."""

    start: datetime
    end: datetime
    state: State | None

    @property
    def length(self) -> timedelta:
        """How long it lasted."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class ToolStep:
    """From `at` on, so many tools were on, of so many; None where it was not known."""

    at: datetime
    enabled: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a window was on time, and how much of the window could be judged at all.

    Both from 0 to 1; `on_time` is of the judged time and None where there is none.
    """

    on_time: float | None
    measured: float


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """One key's window: `spans` cover it without gaps, `tools` are in order of time."""

    key_id: int
    label: str
    start: datetime
    end: datetime
    spans: tuple[Span, ...]
    tools: tuple[ToolStep, ...]

    def last(self, length: timedelta) -> "KeyHistory":
        """The same, for the last `length` of the window alone."""
        start = max(self.start, self.end - length)
        return KeyHistory(
            key_id=self.key_id,
            label=self.label,
            start=start,
            end=self.end,
            spans=clipped(self.spans, start, self.end),
            tools=steps_from(self.tools, start),
        )

    @property
    def share(self) -> Share:
        """How much of this window was on time."""
        return share_of(self.spans, self.end - self.start)


def share_of(spans: Iterable[Span], window: timedelta) -> Share:
    """Time-based: unmeasured time, and time that cannot be judged, is left out and told."""
    judged = on_time = timedelta()
    for span in spans:
        if span.state in JUDGED:
            judged += span.length
        if span.state in ON_TIME:
            on_time += span.length
    share = on_time / judged if judged else None
    return Share(on_time=share, measured=judged / window if window else 0.0)


def key_history(  # noqa: PLR0913  the parts of one key's window, all by name
    happenings: Sequence[Happening],
    *,
    key_id: int,
    label: str,
    start: datetime,
    end: datetime,
    state: State | None,
    tools: Pair,
) -> KeyHistory:
    """Replay the window's events, oldest first; `state` and `tools` are what holds at its end.

    Each event says what it changed from, so nothing before the window has to be known.
    """
    spans = tuple(_joined(_spans(happenings, start, end, state)))
    steps = tuple(_masked(_steps(happenings, start, tools), spans))
    return KeyHistory(key_id, label, start, end, spans, steps)


def clipped(spans: Sequence[Span], start: datetime, end: datetime) -> tuple[Span, ...]:
    """The parts of the spans that lie between `start` and `end`."""
    return tuple(
        Span(max(one.start, start), min(one.end, end), one.state)
        for one in spans
        if one.end > start and one.start < end
    )


def steps_from(steps: Sequence[ToolStep], start: datetime) -> tuple[ToolStep, ...]:
    """The steps from `start` on, the one that held then moved to it."""
    before = [one for one in steps if one.at <= start]
    held = [ToolStep(start, before[-1].enabled, before[-1].total)] if before else []
    return (*held, *(one for one in steps if one.at > start))


def change_of(happening: Happening) -> tuple[State | None, State | None] | None:
    """The states an event led from and to; None for one that changed none, or is not readable."""
    pair = happening.details.get("state")
    if happening.kind not in _TELL_STATES or not isinstance(pair, list) or len(pair) != 2:
        return None
    if any(word not in _WORDS for word in pair):
        return None
    before, after = (State(word) if word else None for word in pair)
    return before, after


_TELL_STATES = frozenset({EventKind.HEALTH_CHANGED, EventKind.KEY_CHANGED})
_WORDS = (None, "", *State.values)
# In these states the figures that were last seen say nothing of the moment.
_BLIND = frozenset(State) - JUDGED - {State.WAITING, State.NO_SCHEDULE}


def _spans(
    happenings: Iterable[Happening], start: datetime, end: datetime, state: State | None
) -> Iterable[Span]:
    changes = [(one.at, change) for one in happenings if (change := change_of(one))]
    now = changes[0][1][0] if changes else state
    since = start
    for at, (_, after) in changes:
        at = min(max(at, since), end)
        if after == now:
            continue
        if at > since:
            yield Span(since, at, now)
        since, now = at, after
    if end > since:
        yield Span(since, end, now)


def _joined(spans: Iterable[Span]) -> Iterable[Span]:
    """What is the same before and after a change that lasted no time is one span."""
    held: Span | None = None
    for one in spans:
        if held is not None and held.state == one.state:
            held = Span(held.start, one.end, held.state)
            continue
        if held is not None:
            yield held
        held = one
    if held is not None:
        yield held


def _steps(happenings: Iterable[Happening], start: datetime, tools: Pair) -> list[ToolStep]:
    told = [one for one in happenings if one.kind == EventKind.TOOLS_CHANGED]
    changes = [(one.at, _pair(one, 0), _pair(one, 1)) for one in told]
    first = changes[0][1] if changes else tools
    steps = [ToolStep(start, *first)]
    for at, _, after in changes:
        steps.append(ToolStep(max(at, steps[-1].at), *after))
    return steps


def _pair(happening: Happening, side: int) -> Pair:
    """Tools on, and all, before (0) or after (1) this change; None where it does not say."""
    details = happening.details
    return _number(details.get("enabled"), side), _number(details.get("total"), side)


def _number(change: object, side: int) -> int | None:
    known = change[side] if isinstance(change, list) and len(change) == 2 else None
    return known if isinstance(known, int) else None


def _masked(steps: Sequence[ToolStep], spans: Sequence[Span]) -> Iterable[ToolStep]:
    """The steps with a gap wherever nothing was known; each differs from the one before it."""
    coming, now = list(reversed(steps)), steps[0]
    shown: Pair | None = None
    for span in spans:
        blind = span.state is None or span.state in _BLIND
        while coming and coming[-1].at <= span.start:
            now = coming.pop()
        within = [ToolStep(span.start, now.enabled, now.total)]
        while coming and coming[-1].at < span.end:
            within.append(now := coming.pop())
        for one in [ToolStep(span.start, None, None)] if blind else within:
            if (one.enabled, one.total) != shown:
                yield one
            shown = (one.enabled, one.total)

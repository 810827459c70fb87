"""The spans in which a key was not well, replayed from its history: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from freddy_admin.alerts.incidents.severity import state_severity
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.timeline import ReplayEvent, state_change_from_event
from freddy_admin.sync.models import EventKind


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """The part of a history event that the replay reads."""

    kind: EventKind
    at: datetime
    noticed_at: datetime
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SpanChange:
    """That a key came into a state, at `at`, and that this was seen."""

    at: datetime
    noticed_at: datetime
    state: HealthState


@dataclass
class BadSpan:
    """A span in which a key was not well, as an incident of it alone would be."""

    key_id: int
    began_at: datetime
    changes: list[SpanChange] = field(default_factory=list)  # the first one opened it
    ended_at: datetime | None = None
    end_noticed_at: datetime | None = None

    def overlaps(self, start: datetime, end: datetime | None) -> bool:
        """Whether it has a moment in common with the span from `start` to `end` (None: open)."""
        return (end is None or self.began_at < end) and (
            self.ended_at is None or start < self.ended_at
        )


def bad_spans(key_id: int, events: Iterable[KeyEvent]) -> list[BadSpan]:
    """The spans of one key, in order; its events come in the order in which they were noticed.

    What was noticed at once counts as one change, as it does for incidents as they happen: what
    became unknown while no worker looked, and was well at the next look, was not seen to be ill.
    A span that had begun before the events is left out, for nobody knows since when.
    """
    spans = list[BadSpan]()
    current: BadSpan | None = None
    for noticed_at, group in groupby(events, key=lambda event: event.noticed_at):
        changes = _state_changes(list(group))
        if not changes or changes[0][1] == changes[-1][2]:
            continue
        at, _before, after = changes[-1]
        if after is None or state_severity(after) is None:
            if current is not None:
                current.ended_at = max(current.began_at, at)
                current.end_noticed_at = noticed_at
            current = None
            continue
        if current is None:
            current = BadSpan(key_id, began_at=at)
            spans.append(current)
        current.changes.append(SpanChange(at, noticed_at, after))
    return spans


def _state_changes(
    events: Sequence[KeyEvent],
) -> list[tuple[datetime, HealthState | None, HealthState | None]]:
    changes = list[tuple[datetime, HealthState | None, HealthState | None]]()
    for event in events:
        change = state_change_from_event(ReplayEvent(event.kind, event.at, event.details))
        if change is not None:
            changes.append((event.at, *change))
    return changes

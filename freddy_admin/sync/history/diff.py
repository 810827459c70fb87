"""What changed between two observations of one key: pure, from the figures alone."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from freddy_admin.aitronos.types import SyncStatusResponse
from freddy_admin.sync import health
from freddy_admin.sync.models import EventKind

# The schedule and our clock are of two machines: so far apart they still move together.
_CLOCK_DRIFT_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PreviousObservation:
    """The figures of the observation before, and how far the history is recorded."""

    figures: SyncStatusResponse
    at: datetime
    is_outdated: bool  # from before the key was replaced or resumed: no sync of theirs was skipped
    recorded_sync_at: datetime | None
    recorded_skip_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event that is not saved yet; `at` is when it became true."""

    kind: EventKind
    at: datetime
    details: dict[str, Any] = field(default_factory=dict)


def values_digest(*values: object) -> str:
    """16 hex digits; equal values have equal digests, in every process."""
    text = "\x1f".join(str(value) for value in values)
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def figures_digest(figures: SyncStatusResponse) -> str:
    """A digest that two keys share if they report the very same figures."""
    return values_digest(
        figures.total_tools,
        figures.enabled_tools,
        figures.last_sync_at,
        figures.next_sync_at,
        figures.sync_interval_hours,
        figures.incremental_sync_enabled,
    )


def rolling_schedule_digest(
    before: PreviousObservation | None, after: SyncStatusResponse, *, at: datetime
) -> str:
    """A digest that stays the same from check to check where only the schedule rolls; else "".

    Some schedules are calculated anew at each check ("in an hour from now"): they move as time
    passes and say nothing new. A next sync that lay in the past by then was skipped instead.
    """
    if before is None or before.is_outdated:
        return ""
    was, plan = before.figures.next_sync_at, after.next_sync_at
    if was is None or plan is None or was <= at or plan == was:
        return ""
    if replace(before.figures, next_sync_at=plan) != after:
        return ""
    together = abs((plan - was) - (at - before.at)) <= _CLOCK_DRIFT_TOLERANCE
    return (
        values_digest("rolls", figures_digest(replace(after, next_sync_at=None)))
        if together
        else ""
    )


def sync_schedule_from_figures(figures: SyncStatusResponse) -> health.SyncSchedule:
    """The part of the figures that the health rule reads."""
    return health.SyncSchedule(
        figures.last_sync_at, figures.next_sync_at, figures.sync_interval_hours
    )


def diff_observations(
    before: PreviousObservation | None, after: SyncStatusResponse, *, at: datetime
) -> list[EventDraft]:
    """The events that an observation at `at` adds, in the order in which they became true."""
    if before is None:
        return [_build_tools_event([None, after.enabled_tools], [None, after.total_tools], at)]
    was = before.figures
    notes = [*_diff_last_sync(before, after, at), *_diff_schedule(before, after, at)]
    if (was.enabled_tools, was.total_tools) != (after.enabled_tools, after.total_tools):
        enabled: list[int | None] = [was.enabled_tools, after.enabled_tools]
        notes.append(_build_tools_event(enabled, [was.total_tools, after.total_tools], at))
    return sorted(notes, key=lambda note: note.at)


def _diff_last_sync(
    before: PreviousObservation, after: SyncStatusResponse, at: datetime
) -> list[EventDraft]:
    was, now = before.figures.last_sync_at, after.last_sync_at
    if now == was:
        return []
    if now is None or (was is not None and now < was):
        return [
            EventDraft(
                EventKind.SYNC_TAKEN_BACK,
                at,
                {"last": [format_event_time(was), format_event_time(now)]},
            )
        ]
    if before.recorded_sync_at is not None and now <= before.recorded_sync_at:
        return []  # taken back and given again: recorded once
    # A sync that lies ahead is recorded with the time we saw it: nothing happened in the future.
    # Its details are few: there is one of these for every sync of every key.
    return [EventDraft(EventKind.SYNC_SEEN, min(now, at), {"first": True} if was is None else {})]


def _diff_schedule(
    before: PreviousObservation, after: SyncStatusResponse, at: datetime
) -> list[EventDraft]:
    was, notes, changes = before.figures, list[EventDraft](), dict[str, Any]()
    skipped = (
        None
        if before.is_outdated
        else health.skipped_sync_due_at(
            sync_schedule_from_figures(was), sync_schedule_from_figures(after), observed_at=at
        )
    )
    if skipped and (before.recorded_skip_at is None or skipped > before.recorded_skip_at):
        notes.append(
            EventDraft(
                EventKind.SYNC_SKIPPED, skipped, {"next": format_event_time(after.next_sync_at)}
            )
        )
    stayed = was.last_sync_at == after.last_sync_at and not before.is_outdated
    if stayed and not skipped and was.next_sync_at != after.next_sync_at:
        changes["next"] = [
            format_event_time(was.next_sync_at),
            format_event_time(after.next_sync_at),
        ]
    if was.sync_interval_hours != after.sync_interval_hours:
        changes["hours"] = [was.sync_interval_hours, after.sync_interval_hours]
    if was.incremental_sync_enabled != after.incremental_sync_enabled:
        changes["incremental"] = [was.incremental_sync_enabled, after.incremental_sync_enabled]
    if changes:
        notes.append(EventDraft(EventKind.SCHEDULE_CHANGED, at, changes))
    return notes


def _build_tools_event(
    enabled: list[int | None], total: list[int | None], at: datetime
) -> EventDraft:
    return EventDraft(EventKind.TOOLS_CHANGED, at, {"enabled": enabled, "total": total})


def format_event_time(at: datetime | None) -> str | None:
    """A time as the details of events hold it: ISO 8601, UTC, to the second."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None

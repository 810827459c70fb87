"""What changed between two good answers of one key: pure, from the figures alone."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from freddy_admin.aitronos.types import SyncStatus
from freddy_admin.sync import health
from freddy_admin.sync.models import EventKind

# The plan and our clock are of two machines: so much apart they still move together.
_TOGETHER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """The figures before, and how far the history has been told."""

    figures: SyncStatus
    at: datetime
    former: bool  # from before the key was replaced or resumed: no plan of theirs was broken
    told_sync_at: datetime | None
    told_skip_at: datetime | None


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to be told; `at` is when it became true."""

    kind: EventKind
    at: datetime
    details: dict[str, Any] = field(default_factory=dict)


def mark_of(*values: object) -> str:
    """A short digest: equal values give equal marks, in every process."""
    text = "\x1f".join(str(value) for value in values)
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def figures_mark(figures: SyncStatus) -> str:
    """The same for two keys that report the very same figures."""
    return mark_of(
        figures.total_tools,
        figures.enabled_tools,
        figures.last_sync_at,
        figures.next_sync_at,
        figures.sync_interval_hours,
        figures.incremental_sync_enabled,
    )


def rolling_mark(before: Seen | None, after: SyncStatus, *, at: datetime) -> str:
    """As `figures_mark`, the same from look to look where nothing but the plan rolls; else "".

    Some plans are reckoned anew at each look ("in an hour from now"): they move as time passes
    and say nothing new. One that lay in the past by then was skipped, which is another matter.
    """
    if before is None or before.former:
        return ""
    was, plan = before.figures.next_sync_at, after.next_sync_at
    if was is None or plan is None or was <= at or plan == was:
        return ""
    if replace(before.figures, next_sync_at=plan) != after:
        return ""
    together = abs((plan - was) - (at - before.at)) <= _TOGETHER
    return mark_of("rolls", figures_mark(replace(after, next_sync_at=None))) if together else ""


def schedule_of(figures: SyncStatus) -> health.Schedule:
    """The part the health rule looks at."""
    return health.Schedule(figures.last_sync_at, figures.next_sync_at, figures.sync_interval_hours)


def notes_on(before: Seen | None, after: SyncStatus, *, at: datetime) -> list[Note]:
    """What an answer at `at` tells that was not told before, in the order it became true."""
    if before is None:
        return [_tools([None, after.enabled_tools], [None, after.total_tools], at)]
    was = before.figures
    notes = [*_about_syncs(before, after, at), *_about_plans(before, after, at)]
    if (was.enabled_tools, was.total_tools) != (after.enabled_tools, after.total_tools):
        enabled: list[int | None] = [was.enabled_tools, after.enabled_tools]
        notes.append(_tools(enabled, [was.total_tools, after.total_tools], at))
    return sorted(notes, key=lambda note: note.at)


def _about_syncs(before: Seen, after: SyncStatus, at: datetime) -> list[Note]:
    was, now = before.figures.last_sync_at, after.last_sync_at
    if now == was:
        return []
    if now is None or (was is not None and now < was):
        return [Note(EventKind.SYNC_TAKEN_BACK, at, {"last": [text_of(was), text_of(now)]})]
    if before.told_sync_at is not None and now <= before.told_sync_at:
        return []  # taken back and given again: told once
    # A sync that lies ahead is told when we saw it: nothing has happened in the future.
    # Little is kept of it: there is one of these for every sync of every key.
    return [Note(EventKind.SYNC_SEEN, min(now, at), {"first": True} if was is None else {})]


def _about_plans(before: Seen, after: SyncStatus, at: datetime) -> list[Note]:
    was, notes, changes = before.figures, list[Note](), dict[str, Any]()
    skipped = (
        None
        if before.former
        else health.newly_skipped(schedule_of(was), schedule_of(after), observed_at=at)
    )
    if skipped and (before.told_skip_at is None or skipped > before.told_skip_at):
        notes.append(Note(EventKind.SYNC_SKIPPED, skipped, {"next": text_of(after.next_sync_at)}))
    stayed = was.last_sync_at == after.last_sync_at and not before.former
    if stayed and not skipped and was.next_sync_at != after.next_sync_at:
        changes["next"] = [text_of(was.next_sync_at), text_of(after.next_sync_at)]
    if was.sync_interval_hours != after.sync_interval_hours:
        changes["hours"] = [was.sync_interval_hours, after.sync_interval_hours]
    if was.incremental_sync_enabled != after.incremental_sync_enabled:
        changes["incremental"] = [was.incremental_sync_enabled, after.incremental_sync_enabled]
    if changes:
        notes.append(Note(EventKind.SCHEDULE_CHANGED, at, changes))
    return notes


def _tools(enabled: list[int | None], total: list[int | None], at: datetime) -> Note:
    return Note(EventKind.TOOLS_CHANGED, at, {"enabled": enabled, "total": total})


def text_of(at: datetime | None) -> str | None:
    """A time as events keep it: ISO 8601, UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None

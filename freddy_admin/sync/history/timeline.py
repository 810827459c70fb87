"""The events of one organisation, newest first, and each key's states and tools over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.state_spans import KeyHistory, ReplayEvent, replay_key_history
from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent
from freddy_admin.sync.models.history import STATE_EVENT_KINDS
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.vault.models import ApiKey

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


ENTRY_COLUMNS = ("kind", "at", "noticed_at", "until", "actor_name", "details")


def timeline_entry_from_values(values: dict[str, Any]) -> TimelineEntry:
    """One event from the values of its row."""
    return TimelineEntry(
        id=values["id"],
        key_id=values["key_id"],
        key_label=values["key__label"] or "",
        kind=EventKind(values["kind"]),
        **{name: values[name] for name in ENTRY_COLUMNS if name != "kind"},
    )

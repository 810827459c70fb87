"""What happened in one organisation, newest first, and each key's states and tools over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.spans import Happening, KeyHistory, key_history
from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent
from freddy_admin.sync.models.history import STATEFUL
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey

PAGE_SIZE = 25
RUNS_SHOWN = 50
WINDOW = timedelta(days=30)
# What a reader may ask for, by the word in the address.
GROUPS: Mapping[str, tuple[EventKind, ...]] = MappingProxyType(
    {
        "syncs": (EventKind.SYNC_SEEN, EventKind.SYNC_SKIPPED, EventKind.SYNC_TAKEN_BACK),
        "schedule": (EventKind.SCHEDULE_CHANGED,),
        "tools": (EventKind.TOOLS_CHANGED,),
        "failures": (EventKind.CHECK_FAILED,),
        "states": (EventKind.HEALTH_CHANGED,),
        "people": (EventKind.KEY_CHANGED, EventKind.PERSON_DID),
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
    """`show` is a word of GROUPS or "" for all; `key_id` one key or None for all."""

    show: str = ""
    key_id: int | None = None
    page: int = 1


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """One page of the timeline; `more` says whether an older one follows."""

    filters: TimelineFilters
    entries: tuple[TimelineEntry, ...]
    more: bool


def timeline_page(*, organisation: Organisation, filters: TimelineFilters) -> TimelinePage:
    """One page of what happened in this organisation, newest first, in one query."""
    events = timeline_events(organisation=organisation, filters=filters)
    start = (filters.page - 1) * PAGE_SIZE
    found = list(
        events.order_by("-at", "-id").values("id", "key_id", "key__label", *AS_THEY_ARE)[
            start : start + PAGE_SIZE + 1
        ]
    )
    entries = tuple(entry_of(values) for values in found[:PAGE_SIZE])
    return TimelinePage(filters, entries, more=len(found) > PAGE_SIZE)


def timeline_events(
    *, organisation: Organisation, filters: TimelineFilters
) -> QuerySet[HistoryEvent]:
    """What of this organisation's history is asked for, on whichever page."""
    events = HistoryEvent.objects.filter(organisation=organisation)
    if filters.show in GROUPS:
        events = events.filter(kind__in=GROUPS[filters.show])
    if filters.key_id is not None:
        events = events.filter(key_id=filters.key_id)
    return events


def key_histories(*, rows: Sequence[KeyRow], now: datetime) -> dict[int, KeyHistory]:
    """The last thirty days of each of these keys, replayed from their events; one query."""
    ids, start = [row.key_id for row in rows], now - WINDOW
    happenings: dict[int, list[Happening]] = {pk: [] for pk in ids}
    events = HistoryEvent.objects.filter(
        key_id__in=ids, at__gte=start, at__lte=now, kind__in=STATEFUL
    )
    for key_id, kind, at, details in events.order_by("at", "id").values_list(
        "key_id", "kind", "at", "details"
    ):
        happenings[key_id].append(Happening(EventKind(kind), at, details))
    return {row.key_id: _history(row, happenings[row.key_id], start, now) for row in rows}


def check_runs(*, key: ApiKey) -> list[CheckRun]:
    """The latest runs of identical checks of one key that are over, newest first."""
    runs = CheckRun.objects.filter(organisation_id=key.organisation_id, key=key)
    return list(runs.order_by("-last_at")[:RUNS_SHOWN])


def _history(
    row: KeyRow,
    happenings: list[Happening],
    start: datetime,
    now: datetime,
) -> KeyHistory:
    known = row.told_state
    # Unknown comes with time alone: nobody has to write it down for it to be true.
    if known not in {"", State.UNKNOWN, State.PAUSED} and row.unknown_at and row.unknown_at < now:
        since = max(row.unknown_at, happenings[-1].at if happenings else start)
        pair = [known, State.UNKNOWN.value]
        happenings.append(Happening(EventKind.HEALTH_CHANGED, since, {"state": pair}))
        known = State.UNKNOWN
    figures = row.figures
    return key_history(
        happenings,
        key_id=row.key_id,
        label=row.key_label,
        start=start,
        end=now,
        state=State(known) if known else None,
        tools=(figures.enabled_tools, figures.total_tools) if figures else (None, None),
    )


AS_THEY_ARE = ("kind", "at", "noticed_at", "until", "actor_name", "details")


def entry_of(values: dict[str, Any]) -> TimelineEntry:
    """One event from its row."""
    return TimelineEntry(
        id=values["id"],
        key_id=values["key_id"],
        key_label=values["key__label"] or "",
        kind=EventKind(values["kind"]),
        **{name: values[name] for name in AS_THEY_ARE if name != "kind"},
    )

"""Reads the audit log: the events that a person may read, filtered, a page at a time.

Events that a clock wrote while it was ahead are listed where they were written, not on top. Ids
show the order of writing: these events are listed behind the last event before the first of them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from django.db.models import F, Min, Q, QuerySet

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock

_LOG_START = datetime(1970, 1, 1, tzinfo=UTC)
SEARCH_TEXT_MAX_LENGTH = 100
# A page of a text search reads at most so many events, then says how far back it has searched.
SEARCH_WINDOW_EVENTS = 100_000
# How many ranges of the log one query joins by UNION; SQLite allows 500.
MAX_UNION_RANGES = 100


@dataclass(frozen=True, slots=True)
class AuditScope:
    """Which events one person may read.

    All events of managed organisations; the person's own events in visible ones and in none;
    failed attempts to sign in as this person.
    """

    is_unrestricted: bool = False
    managed_organisation_ids: frozenset[int] = frozenset()
    visible_organisation_ids: frozenset[int] = frozenset()
    person_id: int = 0
    email: str = ""


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """The filters of a search; empty values filter nothing. `until` is exclusive."""

    text: str = ""
    tag: str = ""
    # With both, either matches: one query, whether a person has this id (0: nobody) or not.
    actor_id: int | None = None
    actor_text: str = ""
    organisation_id: int | None = None
    organisation_text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    request_id: str = ""

    @property
    def is_text_search(self) -> bool:
        """Whether a text is searched, for which there is no index."""
        return bool(self.text or self.actor_text or self.organisation_text)

    @property
    def has_selective_index(self) -> bool:
        """Whether an index leads to few events, however many the person may read."""
        is_one_actor = self.actor_id is not None and not self.actor_text
        return bool(self.request_id) or is_one_actor


@dataclass(frozen=True, slots=True)
class AuditCursor:
    """A position in the list: behind this event, or, with `newer`, before it."""

    at: datetime
    id: int
    newer: bool = False


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Events, newest first; whether there are more; and where a text search continues."""

    events: list[AuditEvent] = field(default_factory=list)
    has_more: bool = False
    search_floor: AuditCursor | None = None


@dataclass(frozen=True, slots=True)
class FutureEventGroup:
    """All events beyond the `horizon`; together they are listed at the moment `at`, by id."""

    horizon: datetime
    at: datetime

    def block_filter(self) -> Q:
        """Selects the events of the block."""
        return Q(at__gt=self.horizon)

    def outside_block_filter(self) -> Q:
        """Selects all events outside the block."""
        return Q(at__lte=self.horizon)

    def is_listed_between(self, since: datetime | None, until: datetime | None) -> bool:
        """Whether the block is listed between these moments; None is no bound."""
        return (since is None or since <= self.at) and (until is None or self.at < until)

    def block_beyond_cursor_filter(self, cursor: AuditCursor | None) -> Q | None:
        """Selects the events of the block beyond the cursor; None: there are none."""
        if cursor is None:
            return Q()
        if cursor.at == self.at:
            return Q(id__gt=cursor.id) if cursor.newer else Q(id__lt=cursor.id)
        return Q() if (self.at > cursor.at) == cursor.newer else None

    def set_listed_at(self, events: Sequence[AuditEvent]) -> None:
        """Set the moment at which these events of the block are listed."""
        for event in events:
            event.listed_at = self.at


def future_event_group_get() -> FutureEventGroup | None:
    """The block, if there is one; costs one query where there is none, which is nearly always."""
    horizon = clock.now() + clock.FUTURE_TOLERANCE
    block = FutureEventGroup(horizon, _LOG_START)
    # Plus nothing: databases would look for the smallest id from the first event on, and not in the
    # index of times, which says at once that there is none.
    future_events = AuditEvent.objects.filter(block.block_filter())
    first_id = future_events.aggregate(first_id=Min(F("pk") + 0))["first_id"]
    if first_id is None:
        return None
    former_events = AuditEvent.objects.filter(
        block.outside_block_filter(), pk__lt=first_id
    ).order_by("-pk")
    at = former_events.values_list("at", flat=True).first()
    return replace(block, at=at) if at else block


def audit_event_page(
    scope: AuditScope, filters: AuditFilters, *, cursor: AuditCursor | None = None, limit: int = 50
) -> AuditPage:
    """Up to `limit` events on one side of the cursor; none are counted."""
    floor = _text_search_floor(cursor) if filters.is_text_search else None
    condition = (
        _filters_query(filters) & _cursor_query(cursor) & (_floor_query(floor) if floor else Q())
    )
    newer = cursor is not None and cursor.newer
    sources = _scope_queries(scope, filters)
    if filters.has_selective_index:
        # One person or one request has few events: read at once, and not range by range.
        sources = [reduce(or_, sources)]
    block = future_event_group_get()
    if block is None:
        rows = _first_events(sources, condition, newer=newer, limit=limit + 1)
    else:
        rows = _first_events_with_future_block(
            block, sources, filters, cursor, condition=condition, limit=limit + 1
        )
    events, has_more = rows[:limit], len(rows) > limit
    if newer:
        events.reverse()
    return AuditPage(events, has_more, search_floor=None if has_more or newer else floor)


def audit_event_stream(
    scope: AuditScope, filters: AuditFilters, *, batch: int = 500
) -> Iterator[AuditEvent]:
    """All events of the scope that match, newest first, one batch in memory at a time."""
    cursor: AuditCursor | None = None
    while True:
        page = audit_event_page(scope, filters, cursor=cursor, limit=batch)
        yield from page.events
        if page.has_more:
            cursor = audit_cursor_after_event(page.events[-1])
        elif page.search_floor:
            cursor = page.search_floor
        else:
            return


def audit_cursor_after_event(event: AuditEvent) -> AuditCursor:
    """The cursor behind this event, for what is older."""
    return AuditCursor(at=event.listed_at or event.at, id=event.pk)


def audit_events_of_organisations(*, organisation_ids: Collection[int]) -> QuerySet[AuditEvent]:
    """Every event of these organisations, newest first, for a data export."""
    return AuditEvent.objects.filter(organisation_id__in=organisation_ids).order_by("-at", "-id")


def _filters_query(filters: AuditFilters) -> Q:
    condition = Q()
    if filters.tag:
        condition &= Q(tag=filters.tag)
    if filters.organisation_id is not None:
        condition &= Q(organisation_id=filters.organisation_id)
    if filters.request_id:
        # The second half is the condition of the partial index.
        condition &= Q(request_id=filters.request_id) & ~Q(request_id="")
    if filters.since:
        condition &= Q(at__gte=filters.since)
    if filters.until:
        condition &= Q(at__lt=filters.until)
    return condition & _actor_query(filters) & _text_query(filters)


def _actor_query(filters: AuditFilters) -> Q:
    condition = Q()
    if filters.actor_id is not None:
        condition |= Q(actor_id=filters.actor_id)
    if filters.actor_text:
        condition |= Q(actor_name__icontains=filters.actor_text[:SEARCH_TEXT_MAX_LENGTH])
    return condition


def _text_query(filters: AuditFilters) -> Q:
    condition = Q()
    if filters.organisation_text:
        condition &= Q(
            organisation_name__icontains=filters.organisation_text[:SEARCH_TEXT_MAX_LENGTH]
        )
    if filters.text:
        text = filters.text[:SEARCH_TEXT_MAX_LENGTH]
        condition &= (
            Q(actor_name__icontains=text)
            | Q(subject__icontains=text)
            | Q(organisation_name__icontains=text)
        )
    return condition


def _scope_queries(scope: AuditScope, filters: AuditFilters) -> list[Q]:
    """Conditions for disjoint ranges of the log, each of which one index serves."""
    if scope.is_unrestricted:
        return [Q()]
    managed_ids = scope.managed_organisation_ids
    visible_ids = scope.visible_organisation_ids - scope.managed_organisation_ids
    if filters.organisation_id is not None:
        managed_ids, visible_ids = (
            managed_ids & {filters.organisation_id},
            visible_ids & {filters.organisation_id},
        )
    is_own = Q(actor_id=scope.person_id)
    sources = [Q(organisation_id=organisation_id) for organisation_id in sorted(managed_ids)]
    if len(managed_ids) > MAX_UNION_RANGES:
        # With so many, the log itself is read from its end: most events are of these.
        sources = [Q(organisation_id__in=sorted(managed_ids))]
    if visible_ids:
        sources.append(is_own & Q(organisation_id__in=visible_ids))
    if filters.organisation_id is None:
        sources.append(is_own & Q(organisation_id=None))
        is_failed_sign_in = Q(
            tag=AuditTag.SIGN_IN_FAILED, subject=scope.email, organisation_id=None
        )
        sources.append(is_failed_sign_in & ~is_own)
    return sources


def _first_events(sources: list[Q], condition: Q, *, newer: bool, limit: int) -> list[AuditEvent]:
    order = ("at", "id") if newer else ("-at", "-id")
    if len(sources) == 1:
        return list(AuditEvent.objects.filter(condition & sources[0]).order_by(*order)[:limit])
    events: list[AuditEvent] = []
    for start in range(0, len(sources), MAX_UNION_RANGES):
        # Each range is read from its own index no further than the page: however much it holds.
        queries = [
            AuditEvent.objects.filter(
                pk__in=AuditEvent.objects.filter(condition & source)
                .order_by(*order)
                .values("pk")[:limit]
            ).order_by()
            for source in sources[start : start + MAX_UNION_RANGES]
        ]
        events += queries[0].union(*queries[1:], all=True).order_by(*order)[:limit]
    events.sort(key=lambda event: (event.at, event.pk), reverse=not newer)
    return events[:limit]


def _first_events_with_future_block(  # noqa: PLR0913  all parts of a page
    block: FutureEventGroup,
    sources: list[Q],
    filters: AuditFilters,
    cursor: AuditCursor | None,
    *,
    condition: Q,
    limit: int,
) -> list[AuditEvent]:
    """The first events of a page, with those of a `block` listed where they were written."""
    newer = cursor is not None and cursor.newer
    events = _first_events(
        sources, condition & block.outside_block_filter(), newer=newer, limit=limit
    )
    cursor_condition = (
        block.block_beyond_cursor_filter(cursor)
        if block.is_listed_between(filters.since, filters.until)
        else None
    )
    if cursor_condition is None:
        return events
    # `since` and `until` are compared with where the block is listed, not with its timestamps.
    future_condition = (
        _filters_query(replace(filters, since=None, until=None))
        & block.block_filter()
        & cursor_condition
    )
    order = "id" if newer else "-id"
    future_events = [
        event
        for source in sources
        for event in AuditEvent.objects.filter(future_condition & source).order_by(order)[:limit]
    ]
    block.set_listed_at(future_events)
    merged = [*events, *future_events]
    merged.sort(key=lambda event: (event.listed_at or event.at, event.pk), reverse=not newer)
    return merged[:limit]


def _cursor_query(cursor: AuditCursor | None) -> Q:
    if cursor is None:
        return Q()
    if cursor.newer:
        return Q(at__gte=cursor.at) & (Q(at__gt=cursor.at) | Q(id__gt=cursor.id))
    return Q(at__lte=cursor.at) & (Q(at__lt=cursor.at) | Q(id__lt=cursor.id))


def _floor_query(floor: AuditCursor) -> Q:
    return Q(at__gte=floor.at) & (Q(at__gt=floor.at) | Q(id__gte=floor.id))


def _text_search_floor(cursor: AuditCursor | None) -> AuditCursor | None:
    """The oldest event that a page of a text search reads; None where the log ends sooner."""
    if cursor is not None and cursor.newer:
        return None
    older_events = AuditEvent.objects.filter(_cursor_query(cursor)).order_by("-at", "-id")
    row = older_events.values_list("at", "id")[
        SEARCH_WINDOW_EVENTS - 1 : SEARCH_WINDOW_EVENTS
    ].first()
    return AuditCursor(*row) if row else None


def audit_event_count(*, actor_id: int | None, tags: Collection[AuditTag], since: datetime) -> int:
    """How many events with these tags this person has caused since then."""
    # An event that a clock wrote while it was ahead would count until its time comes.
    until = clock.now() + clock.FUTURE_TOLERANCE
    events = AuditEvent.objects.filter(at__gte=since, at__lte=until)
    return events.filter(actor_id=actor_id, tag__in=tags).count()


def audit_events_of_person(
    *, actor_id: int, subject: str, organisation_ids: Collection[int] | None
) -> QuerySet[AuditEvent]:
    """The events that a person caused or that concern their account, the oldest first.

    With `organisation_ids`, only events of these organisations and of none.
    """
    events = AuditEvent.objects.filter(Q(actor_id=actor_id) | Q(subject=subject))
    if organisation_ids is not None:
        in_scope = Q(organisation_id=None) | Q(organisation_id__in=organisation_ids)
        events = events.filter(in_scope)
    return events.order_by("at", "pk")

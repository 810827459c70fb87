"""The one way out of the audit log: what a person may read, narrowed, a page at a time."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from freddy_admin.audit.ahead import AheadBlock, ahead_block
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag

SEARCH_LIMIT = 100
# A page that looks for a text reads so many events at most, then says how far back it has looked.
WINDOW = 100_000
# How many ranges of the log one query joins, each worded and read by itself; SQLite takes 500.
JOINED = 100


@dataclass(frozen=True, slots=True)
class AuditScope:
    """What one person may read.

    Of `managed` organisations all, of `seen` ones what the person did there; what belongs to no
    organisation if it is the person's own, with failed attempts to sign in as them.
    """

    everything: bool = False
    managed: frozenset[int] = frozenset()
    seen: frozenset[int] = frozenset()
    person_id: int = 0
    email: str = ""


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What is looked for; empty values narrow nothing. `until` itself is left out."""

    words: str = ""
    tag: str = ""
    # With both, either: one query, whether there is a person of this number (0: nobody) or not.
    actor_id: int | None = None
    actor_words: str = ""
    organisation_id: int | None = None
    organisation_words: str = ""
    since: datetime | None = None
    until: datetime | None = None
    request_id: str = ""

    @property
    def by_text(self) -> bool:
        """Whether texts are searched, for which there is no index."""
        return bool(self.words or self.actor_words or self.organisation_words)

    @property
    def by_index(self) -> bool:
        """Whether an index leads to few events, whoever may read how many of them."""
        one_person = self.actor_id is not None and not self.actor_words
        return bool(self.request_id) or one_person


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two events: behind this one, or `newer`, before it."""

    at: datetime
    id: int
    newer: bool = False


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first. `more`: the direction goes on; `looked_back_to`: where to look further."""

    events: list[AuditEvent] = field(default_factory=list)
    more: bool = False
    looked_back_to: Cursor | None = None


def audit_page(
    scope: AuditScope, filters: AuditFilters, *, cursor: Cursor | None = None, limit: int = 50
) -> AuditPage:
    """Up to `limit` events on one side of the cursor; none are counted."""
    floor = _floor(cursor) if filters.by_text else None
    narrowed = _narrowed(filters) & _beyond(cursor) & (_not_before(floor) if floor else Q())
    newer = cursor is not None and cursor.newer
    sources = _sources(scope, filters)
    if filters.by_index:
        # What one person or one request did is few events: looked at once, and not range by range.
        sources = [reduce(or_, sources)]
    block = ahead_block()
    if block is None:
        found = _first(sources, narrowed, newer=newer, limit=limit + 1)
    else:
        found = _with_ahead(block, sources, filters, cursor, narrowed=narrowed, limit=limit + 1)
    events, more = found[:limit], len(found) > limit
    if newer:
        events.reverse()
    return AuditPage(events, more, looked_back_to=None if more or newer else floor)


def audit_stream(
    scope: AuditScope, filters: AuditFilters, *, batch: int = 500
) -> Iterator[AuditEvent]:
    """All of them, newest first, a batch in memory at a time."""
    cursor: Cursor | None = None
    while True:
        page = audit_page(scope, filters, cursor=cursor, limit=batch)
        yield from page.events
        if page.more:
            cursor = cursor_after(page.events[-1])
        elif page.looked_back_to:
            cursor = page.looked_back_to
        else:
            return


def cursor_after(event: AuditEvent) -> Cursor:
    """Behind this event: what is older."""
    return Cursor(at=event.listed_at or event.at, id=event.pk)


def audit_events(*, organisation_ids: Collection[int]) -> QuerySet[AuditEvent]:
    """Every event of these organisations, newest first: for a copy of all that is kept."""
    return AuditEvent.objects.filter(organisation_id__in=organisation_ids).order_by("-at", "-id")


def _narrowed(filters: AuditFilters) -> Q:
    wanted = Q()
    if filters.tag:
        wanted &= Q(tag=filters.tag)
    if filters.organisation_id is not None:
        wanted &= Q(organisation_id=filters.organisation_id)
    if filters.request_id:
        # Said twice: the second half is the condition of the index.
        wanted &= Q(request_id=filters.request_id) & ~Q(request_id="")
    if filters.since:
        wanted &= Q(at__gte=filters.since)
    if filters.until:
        wanted &= Q(at__lt=filters.until)
    return wanted & _actor(filters) & _texts(filters)


def _actor(filters: AuditFilters) -> Q:
    who = Q()
    if filters.actor_id is not None:
        who |= Q(actor_id=filters.actor_id)
    if filters.actor_words:
        who |= Q(actor_name__icontains=filters.actor_words[:SEARCH_LIMIT])
    return who


def _texts(filters: AuditFilters) -> Q:
    wanted = Q()
    if filters.organisation_words:
        wanted &= Q(organisation_name__icontains=filters.organisation_words[:SEARCH_LIMIT])
    if filters.words:
        words = filters.words[:SEARCH_LIMIT]
        wanted &= (
            Q(actor_name__icontains=words)
            | Q(subject__icontains=words)
            | Q(organisation_name__icontains=words)
        )
    return wanted


def _sources(scope: AuditScope, filters: AuditFilters) -> list[Q]:
    """Ranges of the log, each in one index, that hold no event twice."""
    if scope.everything:
        return [Q()]
    managed, seen = scope.managed, scope.seen - scope.managed
    if filters.organisation_id is not None:
        managed, seen = managed & {filters.organisation_id}, seen & {filters.organisation_id}
    own = Q(actor_id=scope.person_id)
    sources = [Q(organisation_id=one) for one in sorted(managed)]
    if len(managed) > JOINED:
        # Of so many, the log itself is read from its end: most of what is written is theirs.
        sources = [Q(organisation_id__in=sorted(managed))]
    if seen:
        sources.append(own & Q(organisation_id__in=seen))
    if filters.organisation_id is None:
        sources.append(own & Q(organisation_id=None))
        tried = Q(tag=Tag.SIGN_IN_FAILED, subject=scope.email, organisation_id=None)
        sources.append(tried & ~own)
    return sources


def _first(sources: list[Q], narrowed: Q, *, newer: bool, limit: int) -> list[AuditEvent]:
    order = ("at", "id") if newer else ("-at", "-id")
    if len(sources) == 1:
        return list(AuditEvent.objects.filter(narrowed & sources[0]).order_by(*order)[:limit])
    found: list[AuditEvent] = []
    for start in range(0, len(sources), JOINED):
        # Each range is read from its own index no further than the page: however much it holds.
        parts = [
            AuditEvent.objects.filter(
                pk__in=AuditEvent.objects.filter(narrowed & source)
                .order_by(*order)
                .values("pk")[:limit]
            ).order_by()
            for source in sources[start : start + JOINED]
        ]
        found += parts[0].union(*parts[1:], all=True).order_by(*order)[:limit]
    found.sort(key=lambda event: (event.at, event.pk), reverse=not newer)
    return found[:limit]


def _with_ahead(  # noqa: PLR0913  the page's own parts
    block: AheadBlock,
    sources: list[Q],
    filters: AuditFilters,
    cursor: Cursor | None,
    *,
    narrowed: Q,
    limit: int,
) -> list[AuditEvent]:
    """The same page where a clock that was ahead has written: that stands where it was written."""
    newer = cursor is not None and cursor.newer
    found = _first(sources, narrowed & block.others(), newer=newer, limit=limit)
    side = block.beyond(cursor) if block.within(filters.since, filters.until) else None
    if side is None:
        return found
    # Days are compared with the place in the list, not with the stamp.
    wanted = _narrowed(replace(filters, since=None, until=None)) & block.events() & side
    order = "id" if newer else "-id"
    ahead = [
        event
        for source in sources
        for event in AuditEvent.objects.filter(wanted & source).order_by(order)[:limit]
    ]
    block.list_at(ahead)
    both = [*found, *ahead]
    both.sort(key=lambda event: (event.listed_at or event.at, event.pk), reverse=not newer)
    return both[:limit]


def _beyond(cursor: Cursor | None) -> Q:
    if cursor is None:
        return Q()
    if cursor.newer:
        return Q(at__gte=cursor.at) & (Q(at__gt=cursor.at) | Q(id__gt=cursor.id))
    return Q(at__lte=cursor.at) & (Q(at__lt=cursor.at) | Q(id__lt=cursor.id))


def _not_before(floor: Cursor) -> Q:
    return Q(at__gte=floor.at) & (Q(at__gt=floor.at) | Q(id__gte=floor.id))


def _floor(cursor: Cursor | None) -> Cursor | None:
    """The event to which a page that looks for a text goes back; none where the log ends sooner."""
    if cursor is not None and cursor.newer:
        return None
    behind = AuditEvent.objects.filter(_beyond(cursor)).order_by("-at", "-id")
    last = behind.values_list("at", "id")[WINDOW - 1 : WINDOW].first()
    return Cursor(*last) if last else None

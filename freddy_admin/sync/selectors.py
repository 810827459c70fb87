"""What pages, exports and the JSON API read. Nothing here calls the API."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Any

from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.readers import Reader, any_reader
from freddy_admin.core.errors import NotFound
from freddy_admin.core.prepared import Part, Slot, prepared_pair, prepared_values
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.agreement import alike_of, alike_part
from freddy_admin.sync.choices import choices_read
from freddy_admin.sync.expiry import expires_urgently
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.observations import Values, observation_read
from freddy_admin.sync.querying import (
    COLUMNS,
    DETAIL_COLUMNS,
    NOW,
    listed,
    matching,
    ordered,
    row_of,
    visible_rows,
)
from freddy_admin.sync.reach import Reach, reach_of, reached, within
from freddy_admin.sync.rows import Filters, KeyRow, Overview
from freddy_admin.sync.states import WORST_FIRST
from freddy_admin.sync.summing import sums_read
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.selectors import LARGEST_ID

PAGE_SIZE = 50
SORTS = ("state", "organisation", "last", "next", "tools", "checked")
_EMPTY_SHOWN = 6


def overview_page(*, user: User, filters: Filters, now: datetime) -> Overview:
    """One page of the keys this person may see; three queries, however many keys there are."""
    sums = sums_read(user=user, filters=filters, now=now)
    states = filters.states or WORST_FIRST
    total = sum(count for state, count in sums["counts"].items() if state in states)
    total += sums["urgent_left"] if filters.wants_somebody else 0
    pages = max(1, ceil(total / PAGE_SIZE))
    page = min(max(1, filters.page), pages)
    start = (page - 1) * PAGE_SIZE
    rows = _rows_in_reach(user, filters, now, sums, start)
    if rows is None:
        found = _page_rows(user=user, filters=filters, now=now, start=start)
        rows = [row_of(values, user=user, now=now) for values in found]
    return Overview(
        now=now,
        filters=filters,
        rows=rows,
        matching=total,
        page=page,
        pages=pages,
        **sums,
        **_beside(user=user, now=now),
    )


def overview_with_choices(*, user: User, overview: Overview) -> Overview:
    """The same page with the tags and owners to choose from: one query, for where it is drawn."""
    tags, owners = choices_read(user=user)
    return replace(overview, tags=tags, owners=owners)


def overview_rows(*, user: User, filters: Filters, now: datetime) -> Iterator[KeyRow]:
    """All pages of the same, for exports and the JSON API."""
    found = _matching_rows(user, filters, now)
    for values in found.iterator(chunk_size=500):
        yield row_of(values, user=user, now=now)


def organisation_rows(*, user: User, organisation: Organisation, now: datetime) -> list[KeyRow]:
    """The active keys of one organisation, worst first, in one query."""
    given = {"person": user.pk, "now": now, "organisation": organisation.pk}
    found = prepared_values(_organisation_rows, any_reader(user), given=given)
    return [row_of(one | {"siblings": len(found)}, user=user, now=now) for one in found]


def _organisation_rows(reader: Reader) -> QuerySet[Any, Any]:
    place = Slot("organisation", BigIntegerField())
    rows = visible_rows(user=reader, now=NOW).filter(organisation=place)
    return listed(ordered(rows, "state", now=NOW), user=reader, of_one=True).values(*COLUMNS)


def key_row(*, user: User, organisation: Organisation, key_id: int, now: datetime) -> KeyRow:
    """One active key of this organisation; what it showed comes from the cache where it is there.

    Raises NotFound.
    """
    if not 0 < key_id <= LARGEST_ID:  # no database takes it as a number
        raise NotFound(_("There is no such key here."))
    rows = visible_rows(user=user, now=now).filter(organisation=organisation, pk=key_id)
    values = listed(rows, user=user).values(*DETAIL_COLUMNS).first()
    seen = values and observation_read(key_id=key_id, version=values["key_version"])
    if not values or not seen:
        raise NotFound(_("There is no such key here."))
    return row_of(values | seen, user=user, now=now)


def sync_rows_of(*, organisation: Organisation | None) -> QuerySet[KeySync]:
    """The rows of all active keys (of one organisation), for the operator's commands."""
    rows = KeySync.objects.filter(key__status=KeyStatus.ACTIVE)
    rows = rows.select_related("key", "key__organisation").order_by("pk")
    return rows.filter(organisation=organisation) if organisation else rows


def _matching_rows(
    user: User | Reader, filters: Filters, now: datetime | Slot
) -> QuerySet[Any, Any]:
    rows = visible_rows(user=user, now=now).filter(matching(filters, user=user, now=now))
    if filters.states:
        wanted = Q(effective__in=filters.states)
        rows = rows.filter(wanted | expires_urgently(now) if filters.wants_somebody else wanted)
    return listed(ordered(rows, _sort(filters), now=now), user=user).values(*COLUMNS)


def _page_rows(*, user: User, filters: Filters, now: datetime, start: int) -> Iterable[Values]:
    shape = filters.shape(states=filters.states, sort=_sort(filters))
    if shape is None:
        return _matching_rows(user, filters, now)[start : start + PAGE_SIZE]
    given, who = {"person": user.pk, "now": now}, any_reader(user)
    return prepared_values(
        _matching_rows, who, shape, NOW, given=given, limit=PAGE_SIZE, offset=start
    )


def _rows_in_reach(
    user: User, filters: Filters, now: datetime, sums: Mapping[str, Any], start: int
) -> list[KeyRow] | None:
    """The page, taken from a part of all keys; None where all have to be sorted for it."""
    if not user.is_platform_admin or replace(filters, page=1) != Filters():
        return None
    counts, end = sums["all_counts"], start + PAGE_SIZE
    until = min(end, sum(counts.values()))
    reach = reach_of(counts, urgent=sums["urgent"], until=until)
    if reach is None:
        return None
    given, part = {"person": user.pk, "now": now}, {"limit": PAGE_SIZE, "offset": start}
    found = prepared_values(_reachable, any_reader(user), reach, given=given, **part)
    rows = [row_of(values, user=user, now=now) for values in found]
    return rows if reached(rows, reach, lines=until - start) else None


def _reachable(reader: Reader, reach: Reach) -> QuerySet[Any, Any]:
    rows = visible_rows(user=reader, now=NOW).filter(within(reach))
    return listed(ordered(rows, "state", now=NOW), user=reader).values(*COLUMNS)


def _sort(filters: Filters) -> str:
    return filters.sort if filters.sort.lstrip("-") in SORTS else "state"


def _beside(*, user: User, now: datetime) -> dict[str, Any]:
    """What is said beside the list, in one query: keys that report the same, who has no key."""
    empty = Part(_without_key, (any_reader(user),), _EMPTY_SHOWN)
    given = {"person": user.pk, "now": now}
    groups, without = prepared_pair(alike_part(user=user), empty, given=given)
    said, more = alike_of(groups)
    shown = [(one["name"], one["slug"]) for one in without] if user.is_active else []
    return {"alike": said, "more_alike": more, "empty_organisations": shown}


def _without_key(reader: Reader) -> QuerySet[Any, Any]:
    keys = ApiKey.objects.filter(organisation=OuterRef("pk"), status=KeyStatus.ACTIVE)
    empty = organisations_visible(user=reader).exclude(Exists(keys))
    return empty.order_by("name").values("name", "slug")

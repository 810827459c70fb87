"""What pages, exports and the JSON API read. Nothing here calls the API."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.readers import Reader, any_reader
from freddy_admin.core.errors import NotFound
from freddy_admin.core.prepared import Slot, prepared_values
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.agreement import alike
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
from freddy_admin.sync.rows import Filters, KeyRow, Overview
from freddy_admin.sync.states import WORST_FIRST
from freddy_admin.sync.summing import sums_read
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.selectors import LARGEST_ID

PAGE_SIZE = 50
SORTS = ("state", "organisation", "last", "next", "tools", "checked")
_EMPTY_SHOWN = 6


def overview_page(*, user: User, filters: Filters, now: datetime) -> Overview:
    """One page of the keys this person may see; four queries, however many keys there are."""
    sums = sums_read(user=user, filters=filters, now=now)
    states = filters.states or WORST_FIRST
    total = sum(count for state, count in sums["counts"].items() if state in states)
    total += sums["urgent_left"] if filters.wants_somebody else 0
    pages = max(1, ceil(total / PAGE_SIZE))
    page = min(max(1, filters.page), pages)
    found = _page_rows(user=user, filters=filters, now=now, start=(page - 1) * PAGE_SIZE)
    rows = [row_of(values, user=user, now=now) for values in found]
    groups, more_groups = alike(user=user, now=now)
    return Overview(
        now=now,
        filters=filters,
        rows=rows,
        matching=total,
        page=page,
        pages=pages,
        empty_organisations=_empty_organisations(user=user),
        alike=groups,
        more_alike=more_groups,
        **sums,
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
    rows = visible_rows(user=user, now=now).filter(organisation=organisation)
    in_order = ordered(rows, "state", now=now)
    found = list(listed(in_order, user=user, of_one=True).values(*COLUMNS))
    return [row_of(one | {"siblings": len(found)}, user=user, now=now) for one in found]


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
    rows = visible_rows(user=user, now=now).filter(matching(filters, now=now))
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


def _sort(filters: Filters) -> str:
    return filters.sort if filters.sort.lstrip("-") in SORTS else "state"


def _empty_organisations(*, user: User) -> list[tuple[str, str]]:
    if not user.is_active:
        return []
    given = {"person": user.pk}
    found = prepared_values(_without_key, any_reader(user), given=given, limit=_EMPTY_SHOWN)
    return [(one["name"], one["slug"]) for one in found]


def _without_key(reader: Reader) -> QuerySet[Any, Any]:
    keys = ApiKey.objects.filter(organisation=OuterRef("pk"), status=KeyStatus.ACTIVE)
    empty = organisations_visible(user=reader).exclude(Exists(keys))
    return empty.order_by("name").values("name", "slug")

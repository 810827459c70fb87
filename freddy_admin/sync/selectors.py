"""What pages, exports and the JSON API read. Nothing here calls the API."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Any

from django.db.models import Case, Count, Max, Min, Q, QuerySet, Subquery, Value, When
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.agreement import alike
from freddy_admin.sync.expiry import expires_soon, expires_urgently
from freddy_admin.sync.models import KeySync, WorkerBeat
from freddy_admin.sync.observations import observation_read
from freddy_admin.sync.outage import KINDS, outage_of
from freddy_admin.sync.policy import policy
from freddy_admin.sync.querying import (
    COLUMNS,
    DETAIL_COLUMNS,
    listed,
    matching,
    ordered,
    row_of,
    visible_rows,
)
from freddy_admin.sync.rows import Filters, KeyRow, Option, Overview
from freddy_admin.sync.states import NEEDS_YOU, WORST_FIRST, State
from freddy_admin.vault.master_keys import MasterKeyFit
from freddy_admin.vault.models import ApiKey, KeyStatus, KeyTag
from freddy_admin.vault.selectors import LARGEST_ID

PAGE_SIZE = 50
SORTS = ("state", "organisation", "last", "next", "tools", "checked")
MASTER_KEY_FAULTS = frozenset({MasterKeyFit.MISSING, MasterKeyFit.CANARY_FAILED})
_EMPTY_SHOWN = 6


def overview_page(*, user: User, filters: Filters, now: datetime) -> Overview:
    """One page of the keys this person may see; four queries, however many keys there are."""
    sums = _sums(user=user, filters=filters, now=now)
    states = filters.states or WORST_FIRST
    total = sum(count for state, count in sums["counts"].items() if state in states)
    total += sums["urgent_left"] if filters.wants_somebody else 0
    pages = max(1, ceil(total / PAGE_SIZE))
    page = min(max(1, filters.page), pages)
    found = _matching_rows(user=user, filters=filters, now=now)
    start = (page - 1) * PAGE_SIZE
    rows = [row_of(values, user=user, now=now) for values in found[start : start + PAGE_SIZE]]
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
    tags, owners = _options(user=user)
    return replace(overview, tags=tags, owners=owners)


def overview_rows(*, user: User, filters: Filters, now: datetime) -> Iterator[KeyRow]:
    """All pages of the same, for exports and the JSON API."""
    found = _matching_rows(user=user, filters=filters, now=now)
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


def _matching_rows(*, user: User, filters: Filters, now: datetime) -> QuerySet[Any, Any]:
    rows = visible_rows(user=user, now=now).filter(matching(filters, now=now))
    if filters.states:
        wanted = Q(effective__in=filters.states)
        rows = rows.filter(wanted | expires_urgently(now) if filters.wants_somebody else wanted)
    sort = filters.sort if filters.sort.lstrip("-") in SORTS else "state"
    return listed(ordered(rows, sort, now=now), user=user).values(*COLUMNS)


def _sums(*, user: User, filters: Filters, now: datetime) -> dict[str, Any]:
    # One pass over everything the person sees: what there is, and what the filters leave of it.
    beat = WorkerBeat.objects.order_by("-beat_at")
    lately = Q(key__paused_at=None, checked_at__gte=now - policy().period)
    failing: dict[str, Any] = {
        f"failing_{outage}": Count("pk", filter=lately & Q(error_kind__in=kinds))
        for outage, kinds in KINDS.items()
    }
    hit = Case(When(matching(filters, now=now), then=Value(1)), default=None)
    groups = (
        visible_rows(user=user, now=now)
        .annotate(hit=hit)
        .values("effective")
        .annotate(
            everything=Count("pk"),
            left=Count("hit"),
            checked=Max("checked_at"),
            urgent=Count("pk", filter=expires_urgently(now)),
            urgent_left=Count("hit", filter=expires_urgently(now)),
            expiring=Count("hit", filter=expires_soon(now)),
            following=Min("next_check_at", filter=Q(key__paused_at=None)),
            beat=Max(Subquery(beat.values("beat_at")[:1])),
            fit=Max(Subquery(beat.values("master_key_state")[:1])),
            **failing,
        )
        .order_by()
    )
    found = {State(group["effective"]): group for group in groups}
    in_order = [(state, found[state]) for state in WORST_FIRST if state in found]
    return {
        "counts": {state: group["left"] for state, group in in_order if group["left"]},
        "all_counts": {state: group["everything"] for state, group in in_order},
        "urgent": sum(g["urgent"] for state, g in in_order if state not in NEEDS_YOU),
        "urgent_left": sum(g["urgent_left"] for state, g in in_order if state not in NEEDS_YOU),
        "expiring": sum(group["expiring"] for __, group in in_order),
        "checked_at": _extreme(max, [group["checked"] for __, group in in_order]),
        "next_check_at": _extreme(min, [group["following"] for __, group in in_order]),
        "worker_seen_at": _extreme(max, [group["beat"] for __, group in in_order]),
        "master_key_fault": any(group["fit"] in MASTER_KEY_FAULTS for __, group in in_order),
        "outage": outage_of(
            unpaused=sum(g["everything"] for state, g in in_order if state != State.PAUSED),
            failing={
                outage: sum(group[f"failing_{outage}"] for __, group in in_order)
                for outage in KINDS
            },
        ),
    }


def _extreme(pick: Any, moments: list[datetime | None]) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return pick(known) if known else None


def _options(*, user: User) -> tuple[list[Option], list[Option]]:
    mine = organisations_visible(user=user)
    used = ApiKey.objects.filter(status=KeyStatus.ACTIVE, organisation__in=mine)
    tags = (
        KeyTag.objects.filter(keys__in=used)
        .annotate(kind=Value("tag"), number=Value(0))
        .values_list("kind", "number", "name", "name")
    )
    owners = (
        used.exclude(owner=None)
        .annotate(kind=Value("owner"))
        .values_list("kind", "owner_id", "owner__name", "owner__email")
    )
    found = sorted(tags.order_by().union(owners.order_by()), key=lambda one: one[2] or one[3])
    names = {name: Option(name, name) for kind, __, name, __ in found if kind == "tag"}
    people = [Option(str(pk), name or mail) for kind, pk, name, mail in found if kind == "owner"]
    return list(names.values()), people


def _empty_organisations(*, user: User) -> list[tuple[str, str]]:
    has_key = ApiKey.objects.filter(status=KeyStatus.ACTIVE).values("organisation_id")
    empty = organisations_visible(user=user).exclude(pk__in=has_key)
    return list(empty.order_by("name").values_list("name", "slug")[:_EMPTY_SHOWN])

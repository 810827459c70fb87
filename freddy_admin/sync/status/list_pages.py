"""Which keys a page of a platform admin's list holds: ranges of an index, however many there are.

A sorted list is made of parts, each of which an index has in its order: the keys of one state, or
those with a value in a column and those without. From the number of keys in each part follows
where a page lies, and a part is read from its nearer end. The page after or before one that is
open begins beside a key of that page, as sorted at the same moment, whatever changed since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    F,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from freddy_admin.core.compiled_queries import Param, compiled_query_fetch
from freddy_admin.organisations.access import ADMIN_AUDIENCE
from freddy_admin.sync.health_states import (
    STATE_RANK,
    STATES_NEEDING_ACTION,
    STATES_WORST_FIRST,
    HealthState,
)
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.observation_cache import ObservationValues
from freddy_admin.sync.status.queries import (
    NOW_PARAM,
    SORT_COLUMNS,
    URGENT_RANK,
    ListPlace,
    OverviewFilters,
    effective_state_expression,
    expiry_urgent_cutoff,
    expiry_urgent_q,
    list_values,
    sync_statuses_visible,
)
from freddy_admin.vault.models import ApiKey

# Parts of lists that are not sorted by state; in those a part is its rank, which is lower.
_ALL, _WITH_VALUE, _WITHOUT_VALUE = 100, 101, 102
_NAMES = ("organisation_name", "key_label", "pk")
_BESIDE = {
    "organisation_name": Param("organisation_name", CharField()),
    "key_label": Param("key_label", CharField()),
    "pk": Param("key_id", IntegerField()),
}
_PLACE_KEPT = timedelta(hours=1)  # later, the page of that number is shown instead
Counts = Mapping[HealthState, int]


@dataclass(frozen=True, slots=True)
class _Range:
    """A stretch of one part: from its beginning or its end, or beside the key of a place."""

    part: int
    is_backwards: bool = False
    is_beside: bool = False
    is_most: bool = False  # the part has so many of all keys that the others are passed over
    states: tuple[HealthState, ...] = ()  # of the keys that expire, those in these states


class InSubqueries(Func):
    """Whether a key is among those of several subqueries, each with a limit and an offset.

    These are the parameters `limit0`, `offset0`, `limit1` and so on of a compiled query.
    """

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **_context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """One list of ids: with an OR of several PostgreSQL would read every row."""
        del connection
        key, *subqueries = (compiler.compile(part) for part in self.source_expressions)
        selects, params = [], [*key[1]]
        for number, (sql, sql_params) in enumerate(subqueries):
            limits = (Param(f"{name}{number}", IntegerField()) for name in ("limit", "offset"))
            selects.append(f"SELECT * FROM ({sql[1:-1]} LIMIT %s OFFSET %s) range{number}")  # noqa: S608  # nosec B608
            params += [*sql_params, *limits]
        return f"{key[0]} IN ({' UNION ALL '.join(selects)})", params


def list_part_counts(
    filters: OverviewFilters, *, counts: Counts, urgent_counts: Counts
) -> dict[int, int] | None:
    """The parts of a platform admin's list in their order, with the number of keys in each.

    `counts` are all keys by state, `urgent_counts` those of them that expire within days. None
    where the filters leave something else than all keys, or all of some states.
    """
    plain = OverviewFilters(states=filters.states, sort=filters.sort)
    if replace(filters, page=1, page_size=plain.page_size, place=None) != plain:
        return None
    sort = filters.sort.removeprefix("-")
    if sort == "state":
        parts = _state_part_counts(filters, counts, urgent_counts)
        return parts if sort == filters.sort else dict(reversed(parts.items()))
    if filters.states:
        return None
    total = sum(counts.values())
    if not SORT_COLUMNS[sort]:
        return {_ALL: total}
    rows = compiled_query_fetch(_with_value_query, SORT_COLUMNS[sort], param_values={})
    with_value = rows[0]["keys"]
    return {_WITH_VALUE: with_value, _WITHOUT_VALUE: max(0, total - with_value)}


def _state_part_counts(
    filters: OverviewFilters, counts: Counts, urgent_counts: Counts
) -> dict[int, int]:
    wanted = filters.states or STATES_WORST_FIRST
    parts = {
        2 * STATE_RANK[state]: counts.get(state, 0)
        - (urgent_counts.get(state, 0) if state not in STATES_NEEDING_ACTION else 0)
        for state in STATES_WORST_FIRST
        if state in wanted
    }
    parts[URGENT_RANK] = sum(urgent_counts.get(state, 0) for state in _urgent_states(filters))
    return dict(sorted(parts.items()))


def _urgent_states(filters: OverviewFilters) -> tuple[HealthState, ...]:
    """The states of the keys in the list that come forward because they expire within days."""
    is_any = filters.needs_attention or not filters.states
    return tuple(
        state
        for state in STATES_WORST_FIRST
        if state not in STATES_NEEDING_ACTION and (is_any or state in filters.states)
    )


def list_page_values(
    filters: OverviewFilters, parts: Mapping[int, int], *, now: datetime, start: int
) -> list[ObservationValues]:
    """The values of the page at `filters.place`, else of the one that begins at line `start`.

    One statement, however many keys there are, and one for the place.
    """
    size, place = filters.page_size, filters.place
    beside = _names_beside(place, parts, now=now)
    if place is None or beside is None:
        ranges = _page_ranges(parts, start, start + size)
        rows = _ranges_fetch(filters, ranges, parts, {"now": now})
        return rows[:size]
    ranges = _ranges_beside(place, parts, size)
    rows = _ranges_fetch(filters, ranges, parts, {"now": place.at, **beside})
    return rows[-size:] if place.is_before else rows[:size]


def list_places(
    values_list: Sequence[ObservationValues], filters: OverviewFilters, *, now: datetime
) -> tuple[ListPlace | None, ListPlace | None]:
    """Where the pages before and after this one are, if its sort is one that has places."""
    if filters.sort not in {"state", "-state", "organisation"} or not values_list:
        return None, None
    place = filters.place
    at = place.at if place is not None and _is_kept(place, now) else now
    first, last = (
        ListPlace(at, values.get("rank", _ALL), values["pk"])
        for values in (values_list[0], values_list[-1])
    )
    return replace(first, is_before=True), last


def _is_kept(place: ListPlace, now: datetime) -> bool:
    return now - _PLACE_KEPT <= place.at <= now


def _names_beside(
    place: ListPlace | None, parts: Mapping[int, int], *, now: datetime
) -> dict[str, Any] | None:
    """The names of the key at this place; None where it is gone, or the place too old."""
    if place is None or place.part not in parts or not _is_kept(place, now):
        return None
    names = SyncStatus.objects.filter(pk=place.key_id).values("organisation_name", "key_label")
    row = names.first()
    return None if row is None else {**row, "key_id": place.key_id}


_Ranges = list[tuple[_Range, int, int]]  # with limit and offset


def _page_ranges(parts: Mapping[int, int], start: int, end: int) -> _Ranges:
    ranges, begin = [], 0
    for part, count in parts.items():
        first, last = max(start - begin, 0), min(end - begin, count)
        begin += count
        if first >= last:
            continue
        is_backwards = first > count // 2
        offset = count - last if is_backwards else first
        ranges.append((_Range(part, is_backwards), last - first, offset))
    return ranges


def _ranges_beside(place: ListPlace, parts: Mapping[int, int], size: int) -> _Ranges:
    names = list(parts)
    index = names.index(place.part)
    farther = names[:index][::-1] if place.is_before else names[index + 1 :]
    ranges = [(_Range(place.part, place.is_before, is_beside=True), size, 0)]
    missing = size
    for part in farther:
        if parts[part] and missing > 0:
            ranges.append((_Range(part, place.is_before), min(missing, parts[part]), 0))
            missing -= parts[part]
    return ranges


def _ranges_fetch(
    filters: OverviewFilters,
    ranges: _Ranges,
    parts: Mapping[int, int],
    param_values: dict[str, Any],
) -> list[ObservationValues]:
    if not ranges:
        return []
    total, specified = sum(parts.values()), []
    for number, (range_, limit, offset) in enumerate(ranges):
        param_values |= {f"limit{number}": limit, f"offset{number}": offset}
        states = _urgent_states(filters) if range_.part == URGENT_RANK else ()
        is_most = 4 * parts[range_.part] > total
        specified.append(replace(range_, states=states, is_most=is_most))
    return compiled_query_fetch(
        _ranges_query, filters.sort, tuple(specified), param_values=param_values
    )


def _ranges_query(sort: str, ranges: tuple[_Range, ...]) -> QuerySet[Any, Any]:
    key_ids = (Subquery(_range_key_ids(range_, sort)) for range_ in ranges)
    rows = sync_statuses_visible(user=ADMIN_AUDIENCE, now=NOW_PARAM)
    rows = rows.filter(InSubqueries(F("pk"), *key_ids))
    return list_values(rows, user=ADMIN_AUDIENCE, sort=sort, now=NOW_PARAM)


def _range_key_ids(range_: _Range, sort: str) -> QuerySet[Any, Any]:
    rows = SyncStatus.objects.all()
    if range_.part == URGENT_RANK:
        rows = rows.annotate(effective=effective_state_expression(NOW_PARAM))
    rows = rows.filter(_part_q(range_, sort))
    if range_.is_beside:
        rows = rows.filter(_beside_q(is_before=range_.is_backwards))
    ordering = [*_NAMES]
    if range_.part == _WITH_VALUE:
        ordering.insert(0, "-" * sort.startswith("-") + SORT_COLUMNS[sort.removeprefix("-")][0])
    elif sort == "-organisation":
        ordering[0] = "-organisation_name"
    if range_.is_backwards:
        ordering = [name[1:] if name.startswith("-") else f"-{name}" for name in ordering]
    return rows.order_by(*ordering).values("pk")


def _part_q(range_: _Range, sort: str) -> Q:
    """The condition of the keys in this part."""
    if range_.part == _ALL:
        return Q()
    if range_.part > _ALL:
        (column,) = SORT_COLUMNS[sort.removeprefix("-")]
        return Q(**{f"{column}__isnull": range_.part == _WITHOUT_VALUE})
    unpaused, urgent = Q(key__paused_at=None), expiry_urgent_q(NOW_PARAM)
    is_stale = Q(unknown_at__lt=NOW_PARAM)
    if range_.part == URGENT_RANK:
        expiring = ApiKey.objects.filter(expires_on__lte=expiry_urgent_cutoff(NOW_PARAM))
        return Q(key__in=expiring.values("pk"), effective__in=range_.states) & unpaused
    state = STATES_WORST_FIRST[range_.part // 2]
    if state is HealthState.PAUSED:
        return Q(key__in=ApiKey.objects.filter(paused_at__isnull=False).values("pk"))
    if state in STATES_NEEDING_ACTION:
        return Q(state=state) & unpaused & ~is_stale
    if state is not HealthState.UNKNOWN:
        return Q(state=state) & unpaused & ~is_stale & ~urgent
    is_unknown = Q(state=HealthState.UNKNOWN) | (Q(state__in=STATES_WORST_FIRST) & is_stale)
    if range_.is_most:
        # Not in the form that an index has: the rows are to be read in the order of their names.
        yes, no = Value(value=True), Value(value=False)
        is_unknown = Q(Case(When(is_unknown, then=yes), default=no, output_field=BooleanField()))
    return is_unknown & unpaused & ~urgent


def _beside_q(*, is_before: bool) -> Q:
    """Rows after the key of the place in the order of names, or before it."""
    side = "lt" if is_before else "gt"
    name, label, pk = _NAMES
    # The first condition is what an index can use; the others decide among equal names.
    return Q(**{f"{name}__{side}e": _BESIDE[name]}) & (
        Q(**{f"{name}__{side}": _BESIDE[name]})
        | Q(**{f"{label}__{side}": _BESIDE[label]})
        | Q(**{label: _BESIDE[label], f"{pk}__{side}": _BESIDE[pk]})
    )


def _with_value_query(column: tuple[str, ...]) -> QuerySet[Any, Any]:
    rows = SyncStatus.objects.filter(**{f"{column[0]}__isnull": False})
    return rows.order_by().values(one=Value(1)).annotate(keys=Count("pk")).values("keys")

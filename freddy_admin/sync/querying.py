"""The lists' SQL: who sees which keys, their state at a moment, how they are found and ordered."""

from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from freddy_admin.accounts.models import User
from freddy_admin.accounts.readers import Reader
from freddy_admin.core.prepared import Slot
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.names import actor_shown, person_shown, sees_addresses
from freddy_admin.organisations.roles import PERMISSIONS, Permission, Role
from freddy_admin.sync.expiry import expires_soon, expires_urgently
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.observations import FIELDS, Values
from freddy_admin.sync.rows import CheckError, Figures, Filters, KeyRow
from freddy_admin.sync.states import NEEDS_YOU, RANK, State
from freddy_admin.vault.models import ApiKey, KeyStatus

# The moment of a list whose statement is put together once.
NOW = Slot("now", DateTimeField())
# What is never cached: the schedule, the lease, and what belongs to the key and the person.
DETAIL_COLUMNS = (
    "pk",
    "key_version",
    "organisation_id",
    "next_check_at",
    "hold_until",
    "requested_at",
    "requested_by",
    "lease_until",
    "order_at",
    "order_by",
    "order_state",
    "told_state",
    "key__label",
    "key__paused_at",
    "key__paused_by",
    "key__grace_minutes",
    "key__expires_on",
    "key__organization_id",
    "key__owner_id",
    "key__owner__name",
    "key__owner__email",
    "organisation__name",
    "organisation__slug",
    "siblings",
    "role",
)
COLUMNS = (*DETAIL_COLUMNS, *FIELDS)
_ORDERS = {
    "state": ("rank",),
    "organisation": (),
    "last": ("last_sync_at",),
    "next": ("next_sync_at",),
    "tools": ("enabled_tools",),
    "checked": ("checked_at",),
}


def visible_rows(*, user: User | Reader, now: datetime | Slot) -> QuerySet[Any]:
    """The active keys of this person's organisations, with `effective`: their state at `now`."""
    rows = KeySync.objects.filter(key__status=KeyStatus.ACTIVE)
    if not user.is_platform_admin:
        rows = rows.filter(organisation__memberships__user=user.pk)
    return rows.annotate(effective=effective_state(now))


def effective_state(now: datetime | Slot) -> Case:
    """Lines 1 and 5 of the health rule in SQL: paused and unknown need no new observation."""
    return Case(
        When(key__paused_at__isnull=False, then=Value(State.PAUSED.value)),
        When(unknown_at__lt=now, then=Value(State.UNKNOWN.value)),
        default=F("state"),
        output_field=CharField(),
    )


def _rank(now: datetime | Slot) -> Case:
    # Not by way of `effective`: a comparison with it repeats its whole expression, per state.
    # What expires within days comes right after the states that need somebody.
    # Worked out for every row: the states that most keys are in are compared first.
    most_first = sorted(RANK.items(), key=lambda one: -one[1])
    ranks = [When(state=state.value, then=Value(2 * rank)) for state, rank in most_first]
    calm = Q(unknown_at__lt=now) | ~Q(state__in=NEEDS_YOU)
    after_needing = 2 * max(RANK[state] for state in NEEDS_YOU) + 1
    return Case(
        When(key__paused_at__isnull=False, then=Value(2 * RANK[State.PAUSED])),
        When(expires_urgently(now) & calm, then=Value(after_needing)),
        When(unknown_at__lt=now, then=Value(2 * RANK[State.UNKNOWN])),
        *ranks,
        output_field=IntegerField(),
    )


def matching(filters: Filters, *, user: User | Reader, now: datetime | Slot) -> Q:
    """What is searched for, without the states.

    An owner's address is looked through only where the person may see it: who finds it by trying
    one letter after the other has read it.
    """
    wanted, managed = Q(), Q()
    if filters.q and not user.is_platform_admin:
        managed = Q(Exists(_own_membership(user).filter(role__in=_SEEING_ADDRESSES)))
    if filters.organisation_ids is not None:
        wanted &= Q(organisation_id__in=filters.organisation_ids)
    for word in filters.q.split()[:8]:
        wanted &= (
            Q(organisation__name__icontains=word)
            | Q(key__label__icontains=word)
            | Q(key__organization_id__icontains=word)
            | Q(key__owner__name__icontains=word)
            | (Q(key__owner__email__icontains=word) & managed)
        )
    if filters.tag:
        tagged = ApiKey.tags.through.objects.filter(
            apikey_id=OuterRef("pk"), keytag__name=filters.tag
        )
        wanted &= Q(Exists(tagged))
    if filters.owner is not None:
        wanted &= Q(key__owner_id=filters.owner or None)
    if filters.expiring:
        wanted &= expires_soon(now)
    if filters.same:
        wanted &= speaking(now) & Q(figures_mark=filters.same)
    return wanted


def _own_membership(user: User | Reader) -> QuerySet[Membership]:
    return Membership.objects.filter(organisation=OuterRef("organisation_id"), user=user.pk)


_SEEING_ADDRESSES = [role.value for role, may in PERMISSIONS.items() if sees_addresses(may)]


def speaking(now: datetime | Slot) -> Q:
    """Keys whose figures hold at `now` and name a last sync: not paused, not unknown."""
    # Not by way of `effective`, which would be worked out for every row.
    holds = Q(key__paused_at=None, unknown_at__gte=now, last_sync_at__isnull=False)
    return holds & ~Q(state=State.UNKNOWN)


def ordered(rows: QuerySet[Any], sort: str, *, now: datetime | Slot) -> QuerySet[Any]:
    """Sorted by an allow-listed word; the organisation's name keeps equals in their order."""
    backwards, word = sort.startswith("-"), sort.lstrip("-")
    if word == "state":
        rows = rows.annotate(rank=_rank(now))
    by: list[Any] = [
        F(name).desc(nulls_last=True) if backwards else F(name).asc(nulls_last=True)
        for name in _ORDERS[word]
    ]
    name = "-organisation__name" if backwards and not by else "organisation__name"
    in_order: QuerySet[Any] = rows.order_by(*by, name, "key__label", "pk")
    return in_order


def listed(rows: QuerySet[Any], *, user: User | Reader, of_one: bool = False) -> QuerySet[Any]:
    """With what a list shows beside the row: how many keys the organisation has, and my role.

    `of_one`: all rows are of one organisation, whose keys the caller counts by counting rows.
    """
    role: Value | Subquery = Subquery(_own_membership(user).values("role")[:1])
    if user.is_platform_admin:  # who may do all, whatever their role
        role = Value(None, output_field=CharField())
    number: Value | Subquery = Value(0)
    if not of_one:
        siblings = ApiKey.objects.filter(
            organisation=OuterRef("organisation_id"), status=KeyStatus.ACTIVE
        )
        counted = siblings.order_by().values("organisation").annotate(number=Count("pk"))
        number = Subquery(counted.values("number"))
    seen: QuerySet[Any] = rows.annotate(siblings=number, role=role)
    return seen


def row_of(values: Values, *, user: User, now: datetime) -> KeyRow:
    """The row as a value, for this person and this moment."""
    known = State(values["state"])
    state, since, rule = _effective(values, known, now)
    lease = values["lease_until"]
    permissions = _permissions(user, values["role"])
    return KeyRow(
        now=now,
        key_id=values["pk"],
        key_label=values["key__label"],
        key_version=values["key_version"],
        organisation_id=values["organisation_id"],
        organisation_name=values["organisation__name"],
        organisation_slug=values["organisation__slug"],
        keys_in_organisation=values["siblings"] or 0,
        owner_name=_owner_name(values, user, permissions),
        owner_is_reader=values["key__owner_id"] == user.pk,
        organization_id=values["key__organization_id"],
        paused_at=values["key__paused_at"],
        paused_by=actor_shown(values["key__paused_by"], permissions),
        requested_by=actor_shown(values["requested_by"], permissions),
        order_by=actor_shown(values["order_by"], permissions),
        grace_minutes=values["key__grace_minutes"],
        expires_on=values["key__expires_on"],
        state=state,
        state_since=since,
        state_rule=rule,
        known_state=known,
        figures=_figures(values),
        error=_error(values),
        checking=lease is not None and lease > now,
        permissions=permissions,
        **{name: values[name] for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "reported_organization_id",
    "figures_are_former",
    "observed_at",
    "first_observed_at",
    "first_next_sync_at",
    "skipped_at",
    "checked_at",
    "failing_since",
    "failures",
    "refusals",
    "unknown_at",
    "next_check_at",
    "hold_until",
    "requested_at",
    "order_at",
    "order_state",
    "told_state",
    "updated_at",
)


def _owner_name(values: Values, user: User, permissions: frozenset[Permission]) -> str:
    name, address = values["key__owner__name"] or "", values["key__owner__email"] or ""
    if values["key__owner_id"] == user.pk:
        return name or address
    return person_shown(name, address, permissions)


def _effective(values: Values, known: State, now: datetime) -> tuple[State, datetime, int]:
    # The same two lines as `effective_state`; a test holds the two together.
    paused, aged = values["key__paused_at"], values["unknown_at"]
    if paused is not None:
        return State.PAUSED, paused, 1
    if aged is not None and aged < now:
        return State.UNKNOWN, aged, 5
    return known, values["state_since"], values["state_rule"]


def _figures(values: Values) -> Figures | None:
    if values["observed_at"] is None:
        return None
    return Figures(
        total_tools=values["total_tools"],
        enabled_tools=values["enabled_tools"],
        last_sync_at=values["last_sync_at"],
        next_sync_at=values["next_sync_at"],
        sync_interval_hours=values["sync_interval_hours"],
        incremental_sync_enabled=values["incremental_sync_enabled"],
    )


def _error(values: Values) -> CheckError | None:
    if not values["error_kind"]:
        return None
    return CheckError(
        kind=values["error_kind"],
        code=values["error_code"],
        http_status=values["error_http_status"],
        message=values["error_message"],
        field=values["error_field"],
        detail=values["error_detail"],
        trace_id=values["trace_id"],
        request_id=values["request_id"],
    )


def _permissions(user: User, role: str | None) -> frozenset[Permission]:
    if user.is_platform_admin:
        return frozenset(Permission)
    return PERMISSIONS[Role(role)] if role else frozenset()

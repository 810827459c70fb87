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

from freddy_admin.accounts.audience import Audience
from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import Param
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.person_display_names import (
    actor_display_name,
    can_see_addresses,
    person_display_name,
)
from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Permission, Role
from freddy_admin.sync.health_states import STATE_RANK, STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.key_expiry import expiring_soon_q, expiry_urgent_q
from freddy_admin.sync.status.observation_cache import OBSERVATION_FIELDS, ObservationValues
from freddy_admin.sync.status.types import CheckError, KeyRow, OverviewFilters, SyncFigures
from freddy_admin.vault.models import ApiKey, KeyLifecycle

# The moment of a list in a compiled query.
NOW_PARAM = Param("now", DateTimeField())
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
    "operation_requested_at",
    "operation_requested_by",
    "operation_state",
    "recorded_state",
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
LIST_COLUMNS = (*DETAIL_COLUMNS, *OBSERVATION_FIELDS)
_SORT_COLUMNS = {
    "state": ("rank",),
    "organisation": (),
    "last": ("last_sync_at",),
    "next": ("next_sync_at",),
    "tools": ("enabled_tools",),
    "checked": ("checked_at",),
}


def sync_statuses_visible(*, user: User | Audience, now: datetime | Param) -> QuerySet[Any]:
    """The active keys of this person's organisations, with `effective`: their state at `now`."""
    rows = SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE)
    if not user.is_platform_admin:
        rows = rows.filter(organisation__memberships__user=user.pk)
    return rows.annotate(effective=effective_state_expression(now))


def effective_state_expression(now: datetime | Param) -> Case:
    """Lines 1 and 5 of the health rule in SQL: paused and unknown need no new observation."""
    return Case(
        When(key__paused_at__isnull=False, then=Value(HealthState.PAUSED.value)),
        When(unknown_at__lt=now, then=Value(HealthState.UNKNOWN.value)),
        default=F("state"),
        output_field=CharField(),
    )


def _severity_rank(now: datetime | Param) -> Case:
    # Not by way of `effective`: a comparison with it repeats its whole expression, per state.
    # What expires within days comes right after the states that need somebody.
    # Worked out for every row: the states that most keys are in are compared first.
    descending_ranks = sorted(STATE_RANK.items(), key=lambda item: -item[1])
    ranks = [When(state=state.value, then=Value(2 * rank)) for state, rank in descending_ranks]
    needs_nobody = Q(unknown_at__lt=now) | ~Q(state__in=STATES_NEEDING_ACTION)
    after_needing = 2 * max(STATE_RANK[state] for state in STATES_NEEDING_ACTION) + 1
    return Case(
        When(key__paused_at__isnull=False, then=Value(2 * STATE_RANK[HealthState.PAUSED])),
        When(expiry_urgent_q(now) & needs_nobody, then=Value(after_needing)),
        When(unknown_at__lt=now, then=Value(2 * STATE_RANK[HealthState.UNKNOWN])),
        *ranks,
        output_field=IntegerField(),
    )


def overview_filters_q(
    filters: OverviewFilters, *, user: User | Audience, now: datetime | Param
) -> Q:
    """The condition of these filters, without the states.

    An owner's address is searched only where the person may see it: whoever finds it by trying
    one letter after the other has read it.
    """
    condition, can_see_address = Q(), Q()
    if filters.q and not user.is_platform_admin:
        can_see_address = Q(
            Exists(_membership_of_user(user).filter(role__in=_ROLES_SEEING_ADDRESSES))
        )
    if filters.organisation_ids is not None:
        condition &= Q(organisation_id__in=filters.organisation_ids)
    for word in filters.q.split()[:8]:
        condition &= (
            Q(organisation__name__icontains=word)
            | Q(key__label__icontains=word)
            | Q(key__organization_id__icontains=word)
            | Q(key__owner__name__icontains=word)
            | (Q(key__owner__email__icontains=word) & can_see_address)
        )
    if filters.tag:
        tagged = ApiKey.tags.through.objects.filter(
            apikey_id=OuterRef("pk"), keytag__name=filters.tag
        )
        condition &= Q(Exists(tagged))
    if filters.owner is not None:
        condition &= Q(key__owner_id=filters.owner or None)
    if filters.expiring:
        condition &= expiring_soon_q(now)
    if filters.figures_digest:
        condition &= figures_current_q(now) & Q(figures_digest=filters.figures_digest)
    return condition


def _membership_of_user(user: User | Audience) -> QuerySet[Membership]:
    return Membership.objects.filter(organisation=OuterRef("organisation_id"), user=user.pk)


_ROLES_SEEING_ADDRESSES = [
    role.value for role, permissions in ROLE_PERMISSIONS.items() if can_see_addresses(permissions)
]


def figures_current_q(now: datetime | Param) -> Q:
    """Keys whose figures hold at `now` and name a last sync: not paused, not unknown."""
    # Not by way of `effective`, which would be worked out for every row.
    is_current = Q(key__paused_at=None, unknown_at__gte=now, last_sync_at__isnull=False)
    return is_current & ~Q(state=HealthState.UNKNOWN)


def order_sync_statuses(rows: QuerySet[Any], sort: str, *, now: datetime | Param) -> QuerySet[Any]:
    """The rows sorted by an allowed sort name; equal ones by the organisation's name."""
    is_descending, sort_name = sort.startswith("-"), sort.lstrip("-")
    if sort_name == "state":
        rows = rows.annotate(rank=_severity_rank(now))
    orderings: list[Any] = [
        F(name).desc(nulls_last=True) if is_descending else F(name).asc(nulls_last=True)
        for name in _SORT_COLUMNS[sort_name]
    ]
    name = "-organisation__name" if is_descending and not orderings else "organisation__name"
    ordered: QuerySet[Any] = rows.order_by(*orderings, name, "key__label", "pk")
    return ordered


def annotate_list_columns(
    rows: QuerySet[Any], *, user: User | Audience, single_organisation: bool = False
) -> QuerySet[Any]:
    """Annotated with the organisation's number of keys and the user's role.

    `single_organisation`: all rows are of one organisation, so that the caller counts its keys
    by counting rows.
    """
    role: Value | Subquery = Subquery(_membership_of_user(user).values("role")[:1])
    if user.is_platform_admin:  # who may do all, whatever their role
        role = Value(None, output_field=CharField())
    key_count: Value | Subquery = Value(0)
    if not single_organisation:
        siblings = ApiKey.objects.filter(
            organisation=OuterRef("organisation_id"), status=KeyLifecycle.ACTIVE
        )
        key_counts = siblings.order_by().values("organisation").annotate(key_count=Count("pk"))
        key_count = Subquery(key_counts.values("key_count"))
    annotated: QuerySet[Any] = rows.annotate(siblings=key_count, role=role)
    return annotated


def key_row_from_values(values: ObservationValues, *, user: User, now: datetime) -> KeyRow:
    """The values as a `KeyRow`, for this user and this moment."""
    last_known_state = HealthState(values["state"])
    state, since, rule = _effective_state(values, last_known_state, now)
    lease = values["lease_until"]
    permissions = _permissions_of_role(user, values["role"])
    return KeyRow(
        now=now,
        key_id=values["pk"],
        key_label=values["key__label"],
        key_version=values["key_version"],
        organisation_id=values["organisation_id"],
        organisation_name=values["organisation__name"],
        organisation_slug=values["organisation__slug"],
        keys_in_organisation=values["siblings"] or 0,
        owner_name=_owner_display_name(values, user, permissions),
        owner_is_user=values["key__owner_id"] == user.pk,
        organization_id=values["key__organization_id"],
        paused_at=values["key__paused_at"],
        paused_by=actor_display_name(values["key__paused_by"], permissions),
        requested_by=actor_display_name(values["requested_by"], permissions),
        operation_requested_by=actor_display_name(values["operation_requested_by"], permissions),
        grace_minutes=values["key__grace_minutes"],
        expires_on=values["key__expires_on"],
        state=state,
        state_since=since,
        state_rule=rule,
        last_known_state=last_known_state,
        figures=_figures_from_values(values),
        error=_check_error_from_values(values),
        is_checking=lease is not None and lease > now,
        permissions=permissions,
        **{name: values[name] for name in _COPIED_COLUMNS},
    )


_COPIED_COLUMNS = (
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
    "operation_requested_at",
    "operation_state",
    "recorded_state",
    "updated_at",
)


def _owner_display_name(
    values: ObservationValues, user: User, permissions: frozenset[Permission]
) -> str:
    name, address = values["key__owner__name"] or "", values["key__owner__email"] or ""
    if values["key__owner_id"] == user.pk:
        return name or address
    return person_display_name(name, address, permissions)


def _effective_state(
    values: ObservationValues, last_known_state: HealthState, now: datetime
) -> tuple[HealthState, datetime, int]:
    # The same two lines as `effective_state_expression`; a test holds the two together.
    paused_at, unknown_at = values["key__paused_at"], values["unknown_at"]
    if paused_at is not None:
        return HealthState.PAUSED, paused_at, 1
    if unknown_at is not None and unknown_at < now:
        return HealthState.UNKNOWN, unknown_at, 5
    return last_known_state, values["state_since"], values["state_rule"]


def _figures_from_values(values: ObservationValues) -> SyncFigures | None:
    if values["observed_at"] is None:
        return None
    return SyncFigures(
        total_tools=values["total_tools"],
        enabled_tools=values["enabled_tools"],
        last_sync_at=values["last_sync_at"],
        next_sync_at=values["next_sync_at"],
        sync_interval_hours=values["sync_interval_hours"],
        incremental_sync_enabled=values["incremental_sync_enabled"],
    )


def _check_error_from_values(values: ObservationValues) -> CheckError | None:
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


def _permissions_of_role(user: User, role: str | None) -> frozenset[Permission]:
    if user.is_platform_admin:
        return frozenset(Permission)
    return ROLE_PERMISSIONS[Role(role)] if role else frozenset()

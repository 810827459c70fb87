"""The lists' SQL: who sees which keys, their state at a moment, how they are found and ordered."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DateField,
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
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core.compiled_queries import Param, transform_value_or_param
from freddy_admin.organisations.access import Audience
from freddy_admin.organisations.models import Membership
from freddy_admin.sync.health_states import (
    STATE_RANK,
    STATES_NEEDING_ACTION,
    HealthState,
)
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.incident_column import incident_column
from freddy_admin.sync.status.moves import mover_expression
from freddy_admin.sync.status.observation_cache import OBSERVATION_FIELDS
from freddy_admin.sync.status.refused_alike import (
    RefusedGroup,
    others_work_expression,
    refused_group_q,
)
from freddy_admin.sync.status.rows import SOON_DAYS, urgent_cutoff_date, utc_date
from freddy_admin.sync.status.search import (
    search_param_values,
    searched_words,
    word_params,
    words_found_q,
)
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
    "check_period_seconds",
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
    "key__environment",
    "key__organization_id",
    "key__owner_id",
    "key__owner__name",
    "key__owner__email",
    "key__owner__is_active",
    "key__owner__is_platform_admin",
    "organisation__name",
    "organisation__slug",
    "siblings",
    "role",
    "mover",
    "others_work",
    "incident",
)
LIST_COLUMNS = (*DETAIL_COLUMNS, *OBSERVATION_FIELDS)
SORT_COLUMNS: dict[str, tuple[str, ...]] = {
    "state": ("rank",),
    "organisation": (),
    "last": ("last_sync_at",),
    "next": ("next_sync_at",),
    "tools": ("enabled_tools",),
    "checked": ("checked_at",),
}
NO_OWNER = 0
# What expires within days comes right after the states that need somebody.
URGENT_RANK = 2 * max(STATE_RANK[state] for state in STATES_NEEDING_ACTION) + 1


@dataclass(frozen=True, slots=True)
class ListPlace:
    """Where a page begins, or with `is_before` ends: beside a key, as lists are sorted at `at`."""

    at: datetime
    part: int  # of the list, see `list_pages`
    key_id: int
    is_before: bool = False


@dataclass(frozen=True, slots=True)
class OverviewFilters:
    """What a person asked the overview to show. Values not in the allowed sets are ignored."""

    q: str = ""
    states: tuple[HealthState, ...] = ()
    tag: str = ""
    owner: int | None = None  # NO_OWNER: keys without one
    sort: str = "state"  # one of selectors.OVERVIEW_SORTS, with a leading "-" for descending
    page: int = 1
    page_size: int = 50  # one of selectors.PAGE_SIZES
    place: ListPlace | None = None  # where that page is, if the list has places
    environment: str = ""  # one of `conf.api_environments`, set up or not
    figures_digest: str = ""  # the keys that report figures with this digest
    expiring: bool = False  # those that expire soon, whatever their state
    move: str = ""  # of those that need somebody: OWN_MOVE or OTHERS_MOVE
    refused: str = ""  # those refused in this way (the refusal of a `RefusedGroup`) …
    refused_at: str = ""  # … of this organisation at Aitronos
    organisation_ids: frozenset[int] | None = None  # of these alone; None for all
    word_count: int = 0  # instead of `q`, in a compiled query that is given so many words

    @property
    def needs_attention(self) -> bool:
        """Whether those that need somebody are asked for, and so also those that expire."""
        return set(self.states) == STATES_NEEDING_ACTION

    @property
    def search_params(self) -> dict[str, str]:
        """The words of the search, as parameters of a compiled query."""
        return search_param_values(self.q) if self.q else {}

    def compilable_part(
        self, *, states: tuple[HealthState, ...], sort: str
    ) -> "OverviewFilters | None":
        """The filters that a compiled query depends on; None where others are set."""
        texts = (self.tag, self.environment, self.figures_digest, self.move, self.refused)
        words = searched_words(self.q) if self.q else []
        if any((*texts, self.owner is not None)) or self.organisation_ids is not None:
            return None
        if self.q and not words:
            return None
        return OverviewFilters(
            states=states, sort=sort, expiring=self.expiring, word_count=len(words)
        )


def sync_statuses_visible(*, user: User | Audience, now: datetime | Param) -> QuerySet[Any]:
    """The active keys of this person's organisations, with `effective`: their state at `now`."""
    rows = SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE)
    if not user.is_platform_admin:
        rows = rows.filter(organisation__memberships__user=user.pk)
    return rows.annotate(
        effective=effective_state_expression(now), others_work=others_work_expression()
    )


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
    # Worked out for every row: the states that most keys are in are compared first.
    descending_ranks = sorted(STATE_RANK.items(), key=lambda item: -item[1])
    ranks = [When(state=state.value, then=Value(2 * rank)) for state, rank in descending_ranks]
    needs_nobody = Q(unknown_at__lt=now) | ~Q(state__in=STATES_NEEDING_ACTION)
    return Case(
        When(key__paused_at__isnull=False, then=Value(2 * STATE_RANK[HealthState.PAUSED])),
        When(expiry_urgent_q(now) & needs_nobody, then=Value(URGENT_RANK)),
        When(unknown_at__lt=now, then=Value(2 * STATE_RANK[HealthState.UNKNOWN])),
        *ranks,
        output_field=IntegerField(),
    )


def expiring_soon_q(now: datetime | Param) -> Q:
    """Rows whose key has 30 days left, or fewer, or none."""
    return Q(key__expires_on__lte=expiring_soon_cutoff(now))


def expiring_soon_cutoff(now: datetime | Param) -> date | Param:
    """The last day that counts as soon."""
    return transform_value_or_param(
        now, lambda moment: utc_date(moment) + timedelta(days=SOON_DAYS), DateField()
    )


def expiry_urgent_q(now: datetime | Param) -> Q:
    """Rows whose key needs a successor now: 7 days left at most; paused ones can wait."""
    return Q(key__expires_on__lte=expiry_urgent_cutoff(now), key__paused_at=None)


def expiry_urgent_cutoff(now: datetime | Param) -> date | Param:
    """The last day that counts as urgent."""
    return transform_value_or_param(now, urgent_cutoff_date, DateField())


def overview_filters_q(
    filters: OverviewFilters, *, user: User | Audience, now: datetime | Param
) -> Q:
    """The condition of these filters, without the states."""
    condition = Q()
    if filters.organisation_ids is not None:
        condition &= Q(organisation_id__in=filters.organisation_ids)
    if filters.q:
        condition &= words_found_q(searched_words(filters.q), user=user)
    if filters.word_count:
        condition &= words_found_q(word_params(filters.word_count), user=user)
    if filters.tag:
        tagged = ApiKey.tags.through.objects.filter(
            apikey_id=OuterRef("pk"), keytag__name=filters.tag
        )
        condition &= Q(Exists(tagged))
    if filters.environment:
        condition &= Q(key__environment=filters.environment)
    if filters.owner is not None:
        condition &= Q(key__owner_id=filters.owner or None)
    if filters.expiring:
        condition &= expiring_soon_q(now)
    if filters.figures_digest:
        condition &= figures_current_q(now) & Q(figures_digest=filters.figures_digest)
    if filters.refused:
        environment = filters.environment or DEFAULT_ENVIRONMENT
        group = RefusedGroup(filters.refused, filters.refused_at, 0, environment)
        condition &= Q(key__paused_at=None) & refused_group_q([group])
    return condition


def _membership_of_user(user: User | Audience) -> QuerySet[Membership]:
    return Membership.objects.filter(organisation=OuterRef("organisation_id"), user=user.pk)


def figures_current_q(now: datetime | Param) -> Q:
    """Keys whose figures hold at `now` and name a last sync: not paused, not unknown."""
    # Not by way of `effective`, which would be worked out for every row.
    is_current = Q(key__paused_at=None, unknown_at__gte=now, last_sync_at__isnull=False)
    return is_current & ~Q(state=HealthState.UNKNOWN)


def order_rows(rows: QuerySet[Any], sort: str, *, now: datetime | Param) -> QuerySet[Any]:
    """The rows sorted by an allowed sort name; equal ones by the organisation's name."""
    is_descending, sort_name = sort.startswith("-"), sort.lstrip("-")
    if sort_name == "state":
        rows = rows.annotate(rank=_severity_rank(now))
    orderings: list[Any] = [
        F(name).desc(nulls_last=True) if is_descending else F(name).asc(nulls_last=True)
        for name in SORT_COLUMNS[sort_name]
    ]
    name = "-organisation_name" if is_descending and not orderings else "organisation_name"
    ordered: QuerySet[Any] = rows.order_by(*orderings, name, "key_label", "pk")
    return ordered


def list_values(
    rows: QuerySet[Any],
    *,
    user: User | Audience,
    sort: str,
    now: datetime | Param,
    single_organisation: bool = False,
) -> QuerySet[Any, Any]:
    """The sorted rows with all columns that `key_row_from_values` reads."""
    sorted_rows = order_rows(rows, sort, now=now)
    rank = ("rank",) if sort.endswith("state") else ()
    return annotate_list_columns(
        sorted_rows,
        user=user,
        now=now,
        single_organisation=single_organisation,
        with_mover=single_organisation,
    ).values(*LIST_COLUMNS, *rank)


def annotate_list_columns(
    rows: QuerySet[Any],
    *,
    user: User | Audience,
    now: datetime | Param,
    single_organisation: bool = False,
    with_mover: bool = True,
) -> QuerySet[Any]:
    """Annotated with the organisation's number of keys, the user's role, and who can help.

    Lists without `with_mover` do not say to platform admins who else can: they have the buttons.

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
    mover: Value | Case = mover_expression(expiry_urgent_q(now))
    if user.is_platform_admin and not with_mover:
        mover = Value(None, output_field=IntegerField())
    incident = incident_column(needing_action_only=not with_mover)
    return rows.annotate(siblings=key_count, role=role, mover=mover, incident=incident)  # type: ignore[no-any-return]

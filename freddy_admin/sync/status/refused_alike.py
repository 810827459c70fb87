"""Keys that Aitronos refuses in the same way: then hardly the keys are the cause.

The rule counts all keys of one environment, or those of one organisation there by the id that
Aitronos reports. What a reader is told counts only the keys that this reader sees.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    Case,
    Count,
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
from django.db.models.functions import Coalesce, NullIf

from freddy_admin.accounts.models import User
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core.compiled_queries import LimitedQuery, compiled_query_fetch_all
from freddy_admin.organisations.access import (
    ADMIN_AUDIENCE,
    MEMBER_AUDIENCE,
    Audience,
    audience_for,
)
from freddy_admin.organisations.models import Membership
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from freddy_admin.sync.refusals import (
    KEY_NAMING_REFUSALS,
    UNKNOWN_KEY_REFUSAL,
    UNNAMED_REFUSAL,
    refusal_class,
    refusal_parts,
)
from freddy_admin.vault.models import ApiKey

MIN_KEYS_REFUSED_ALIKE = 3
_MAX_PANEL_GROUPS, _MAX_ORGANISATION_GROUPS = 20, 50  # two halves of each environment's keys
_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class RefusedGroup:
    """Keys that are refused in the same way, as one reader may be told of them."""

    refusal: str  # "401", or "403 CODE"
    organization_id: str  # at Aitronos, where the group is that of its keys; "": of all keys
    keys: int  # that the reader sees
    environment: str = DEFAULT_ENVIRONMENT  # where all of them belong
    is_readers_move: bool = False  # a platform admin's: nobody else can do anything about it

    @property
    def tells_number(self) -> bool:
        """Whether the reader sees enough of the group for a number that says something."""
        return self.keys >= MIN_KEYS_REFUSED_ALIKE

    @property
    def http_status(self) -> int:
        """401 or 403."""
        return refusal_parts(self.refusal)[0]

    @property
    def code(self) -> str:
        """The code that all have in common; "" for a 401."""
        return refusal_parts(self.refusal)[1]


def refused_group_of(
    groups: Collection[RefusedGroup],
    *,
    refusal: str,
    reported_organization_id: str,
    environment: str,
    others_work: bool,
) -> RefusedGroup | None:
    """The group that a key with this refusal is in; `others_work`: some of its organisation do."""
    if not groups or not refusal or (refusal == UNKNOWN_KEY_REFUSAL and others_work):
        return None
    for group in groups:
        is_in_scope = group.environment == environment and (
            not group.organization_id or group.organization_id == reported_organization_id
        )
        if refusal_class(refusal) == group.refusal and is_in_scope:
            return group
    return None


def refused_groups_list(*, user: User | None = None) -> list[RefusedGroup]:
    """The groups of which the person sees a key; of all keys without one. One query."""
    audience = ADMIN_AUDIENCE if user is None else audience_for(user)
    param_values = {"person": 0 if user is None else user.pk}
    panel_rows, organisation_rows = compiled_query_fetch_all(
        REFUSED_GROUPS_QUERIES[audience.is_platform_admin], param_values=param_values
    )
    return refused_groups_from_rows(panel_rows, organisation_rows, audience)


def refused_groups_from_rows(
    panel_rows: Sequence[Mapping[str, Any]],
    organisation_rows: Sequence[Mapping[str, Any]],
    audience: Audience,
) -> list[RefusedGroup]:
    """The groups that `REFUSED_GROUPS_QUERIES` found; one of all keys holds the smaller ones."""
    rows = [row | {"at": ""} for row in map(dict, panel_rows)]
    found = {(row["environment"], row["alike"]) for row in rows}
    rows += [
        dict(row) for row in organisation_rows if (row["environment"], row["alike"]) not in found
    ]
    return [
        RefusedGroup(
            refusal=row["alike"],
            organization_id=row["at"],
            keys=row["seen"],
            environment=row["environment"],
            is_readers_move=audience.is_platform_admin,
        )
        for row in rows
        if row["seen"]
    ]


def others_work_expression() -> Case:
    """Whether another key of the same organisation at Aitronos works, as far as is known.

    Of the same environment: an organisation of one is none of another, whatever its id. Asked of
    refused keys alone, for which it says whether the key is the cause.
    """
    others = SyncStatus.objects.filter(
        reported_organization_id=OuterRef("reported_organization_id"),
        outcome=CheckOutcome.GOOD,
        key__environment=OuterRef("key__environment"),
    ).exclude(pk=OuterRef("pk"))
    return Case(
        When(Q(refusal=None) | Q(reported_organization_id=""), then=Value(value=False)),
        default=Exists(others),
    )


def refused_group_q(groups: Collection[RefusedGroup]) -> Q:
    """Rows, with `others_work`, of keys in these groups; of none where there are no groups."""
    condition = Q(pk__in=[])
    for group in groups:
        in_group = Q(refusal=group.refusal, key__environment=group.environment)
        if group.refusal == UNNAMED_REFUSAL:
            is_unknown_key = Q(refusal=UNKNOWN_KEY_REFUSAL, others_work=False)
            in_group |= is_unknown_key & Q(key__environment=group.environment)
        if group.organization_id:
            in_group &= Q(reported_organization_id=group.organization_id)
        condition |= in_group
    return condition


def refused_group_samples(group: RefusedGroup) -> list[SyncStatus]:
    """Some of the latest refusals of a group, over all organisations: for platform admins."""
    rows = SyncStatus.objects.annotate(others_work=others_work_expression())
    refused = rows.filter(refused_group_q([group]), outcome=CheckOutcome.REFUSED)
    return list(refused.order_by("-checked_at")[:_SAMPLES])


def _rows_with_alike() -> QuerySet[Any, Any]:
    """Unpaused keys with a refusal that does not name the key; `alike` is what it has in common."""
    return (
        SyncStatus.objects.filter(refusal__isnull=False)
        .exclude(refusal__in=KEY_NAMING_REFUSALS)
        .annotate(others_work=others_work_expression())
        .filter(~Q(refusal=UNKNOWN_KEY_REFUSAL) | Q(others_work=False))
        .annotate(
            alike=Case(
                When(refusal=UNKNOWN_KEY_REFUSAL, then=Value(UNNAMED_REFUSAL)),
                default=F("refusal"),
            ),
            environment=F("key__environment"),
        )
    )


def _count_columns(audience: Audience) -> dict[str, Any]:
    seen = Q()
    if not audience.is_platform_admin:
        memberships = Membership.objects.filter(user=audience.pk)
        seen = Q(organisation__in=memberships.values("organisation"))
    return {
        "number": Count("pk"),
        "twice": Count("pk") * 2,
        "seen": Count("pk", filter=seen) if seen else Count("pk"),
    }


def _panel_groups_queryset(audience: Audience) -> QuerySet[Any, Any]:
    unpaused = ApiKey.objects.filter(
        environment=OuterRef("environment"), paused_at=None, sync_status__isnull=False
    )
    groups: QuerySet[Any, Any] = (
        _rows_with_alike()
        .values("environment", "alike")
        .annotate(**_count_columns(audience))
        .filter(number__gte=MIN_KEYS_REFUSED_ALIKE)
        .filter(twice__gte=_count_subquery(unpaused))
        .order_by("-number", "environment", "alike")
    )
    return groups


def _organisation_groups_queryset(audience: Audience) -> QuerySet[Any, Any]:
    unpaused = SyncStatus.objects.filter(
        reported_organization_id=OuterRef("at"),
        key__environment=OuterRef("environment"),
        key__paused_at=None,
    )
    groups: QuerySet[Any, Any] = (
        _rows_with_alike()
        # Not in the form that an index of all keys has: the refused ones alone are read.
        .annotate(at=NullIf("reported_organization_id", Value("")))
        .filter(at__isnull=False)
        .values("environment", "at", "alike")
        .annotate(**_count_columns(audience))
        .filter(number__gte=MIN_KEYS_REFUSED_ALIKE)
        .filter(twice__gte=_count_subquery(unpaused))
        .order_by("-number", "at", "environment", "alike")
    )
    return groups


def rows_count(rows: QuerySet[Any, Any]) -> Coalesce:
    """How many rows there are, inside another query."""
    return Coalesce(_count_subquery(rows), 0)


def _count_subquery(rows: QuerySet[Any, Any]) -> Subquery:
    # Worked out once for each group. Inside a function, or with a reference over a relation,
    # Django would group by it: then it is worked out for each row.
    counted = rows.order_by().values(one=Value(1)).annotate(counted=Count("*")).values("counted")
    return Subquery(counted, output_field=IntegerField())


# For platform admins, and for everybody else: the groups of environments, those of organisations.
REFUSED_GROUPS_QUERIES = {
    audience.is_platform_admin: [
        LimitedQuery(_panel_groups_queryset, (audience,), _MAX_PANEL_GROUPS),
        LimitedQuery(_organisation_groups_queryset, (audience,), _MAX_ORGANISATION_GROUPS),
    ]
    for audience in (ADMIN_AUDIENCE, MEMBER_AUDIENCE)
}

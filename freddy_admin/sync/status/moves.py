"""Whose move it is, in SQL: what `KeyRow` says of one key, for lists, counts and filters."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Exists, Max, OuterRef, Q, QuerySet, Subquery, Value, When

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.core.compiled_queries import Param
from freddy_admin.organisations.access import ADMIN_AUDIENCE, Audience
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Permission
from freddy_admin.sync.health_states import (
    MISSING_SYNC_STATES,
    NEW_SECRET_STATES,
    REFUSED_STATES,
    STATES_NEEDING_ACTION,
)
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.refusals import NOBODY_ALLOWED_REFUSAL
from freddy_admin.sync.status.refused_alike import (
    RefusedGroup,
    others_work_expression,
    refused_group_q,
)

# Who of the organisation can make the next move, best first.
OWNER_CAN, MEMBERS_CAN = 2, 1
# Of the keys that need somebody: those whose move is the reader's, and all others.
OWN_MOVE, OTHERS_MOVE = "you", "others"


def mover_expression(urgent: Q) -> Case:
    """OWNER_CAN, MEMBERS_CAN, or None: nobody of the organisation can, or nothing is to be done.

    `urgent` are rows whose key needs a successor whatever its state. Worked out for those rows
    alone that need somebody.
    """
    return Case(
        When(state__in=MISSING_SYNC_STATES, then=_best_member(Permission.START_SYNC)),
        When(
            Q(state__in=NEW_SECRET_STATES) | urgent | Q(error_kind=FailureKind.INVALID_SECRET),
            then=_best_member(Permission.MANAGE_KEYS),
        ),
        default=None,
    )


def _best_member(permission: Permission) -> Subquery:
    members = Membership.objects.filter(
        organisation=OuterRef("organisation_id"),
        role__in=_roles(permission, having=True),
        user__is_active=True,
    )
    is_owner = When(user=OuterRef("key__owner_id"), then=Value(OWNER_CAN))
    best = Max(Case(is_owner, default=Value(MEMBERS_CAN)))
    return Subquery(members.order_by().values("organisation").annotate(best=best).values("best"))


def others_move_q(
    groups: Collection[RefusedGroup],
    *,
    user: User | Audience,
    now: datetime | Param,
    urgent: Q,
) -> Q:
    """Rows, with `others_work`, that need somebody, but not this person."""
    waits = Q(state__in=REFUSED_STATES) & (
        Q(refusal=NOBODY_ALLOWED_REFUSAL) | refused_group_q(groups)
    )
    if user.is_platform_admin:
        return needing_q(now) & waits
    lacks_keys = Q(Exists(_memberships_without(Permission.MANAGE_KEYS, user)))
    lacks_syncs = Q(Exists(_memberships_without(Permission.START_SYNC, user)))
    waits |= Q(state__in=NEW_SECRET_STATES) & lacks_keys
    waits |= Q(state__in=MISSING_SYNC_STATES) & lacks_syncs
    return (needing_q(now) & waits) | (urgent & ~needing_q(now) & lacks_keys)


def move_q(
    move: str,
    groups: Collection[RefusedGroup],
    *,
    user: User | Audience,
    now: datetime | Param,
    urgent: Q,
) -> Q:
    """Of the rows that need somebody those whose move is the person's, or that of others.

    Keys refused alike are one move of a platform admin's, and everybody else's to wait for.
    """
    others = others_move_q(groups, user=user, now=now, urgent=urgent)
    if user.is_platform_admin:
        others &= ~refused_alike_q(groups, now=now)
    return others if move == OTHERS_MOVE else (needing_q(now) | urgent) & ~others


def refused_alike_q(groups: Collection[RefusedGroup], *, now: datetime | Param) -> Q:
    """Rows, with `others_work`, that need somebody because their key is refused like others."""
    return needing_q(now) & Q(state__in=REFUSED_STATES) & refused_group_q(groups)


def waiting_counts(
    matches: str,
    groups: Collection[RefusedGroup],
    *,
    user: User | Audience,
    now: datetime | Param,
    urgent: Q,
) -> dict[str, Any]:
    """How many rows wait for others than this person, and those refused alike among them.

    `matches` is the column that filters leave; each number is given for all rows and for those.
    """
    waits = others_move_q(groups, user=user, now=now, urgent=urgent)
    alike = refused_alike_q(groups, now=now)
    return {
        "waiting": Count("pk", filter=waits),
        "waiting_matching": Count(matches, filter=waits),
        "alike": Count("pk", filter=alike) if groups else Value(0),
        "alike_matching": Count(matches, filter=alike) if groups else Value(0),
    }


def waiting_keys_query(groups: Collection[RefusedGroup], now: Param) -> QuerySet[Any, Any]:
    """Of all keys, for a platform admin, how many wait for others: from the refused ones alone."""
    urgent = Q(pk__in=[])  # concerns members alone
    return _refused_keys_count(others_move_q(groups, user=ADMIN_AUDIENCE, now=now, urgent=urgent))


def alike_keys_query(groups: Collection[RefusedGroup], now: Param) -> QuerySet[Any, Any]:
    """Of all keys, how many need somebody because they are refused like others."""
    return _refused_keys_count(refused_alike_q(groups, now=now))


def _refused_keys_count(condition: Q) -> QuerySet[Any, Any]:
    refused = SyncStatus.objects.filter(refusal__isnull=False)
    refused = refused.annotate(others_work=others_work_expression()).filter(condition)
    return refused.order_by().values(one=Value(1)).annotate(keys=Count("pk"))


def needing_q(now: datetime | Param) -> Q:
    """Rows whose state at `now` needs somebody of ours."""
    is_current = Q(unknown_at=None) | Q(unknown_at__gte=now)
    return Q(state__in=STATES_NEEDING_ACTION, key__paused_at=None) & is_current


def _memberships_without(permission: Permission, user: User | Audience) -> QuerySet[Any]:
    return Membership.objects.filter(
        organisation=OuterRef("organisation_id"),
        user=user.pk,
        role__in=_roles(permission, having=False),
    )


def _roles(permission: Permission, *, having: bool) -> list[str]:
    return [
        role.value
        for role, permissions in ROLE_PERMISSIONS.items()
        if (permission in permissions) is having
    ]

"""New secrets that wait for a person's decision, for the overview: refused, untested, differing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import compiled_query_fetch
from freddy_admin.organisations.access import Audience, audience_for, effective_permissions
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.models import CandidateState, KeyCandidate
from freddy_admin.vault.selectors import RETRIED_HOURLY_Q

# People decide them one by one, so there are never many; a page shows a few of them.
_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PendingDecision:
    """A tested secret of one key that somebody has to keep or throw away."""

    organisation_name: str
    organisation_slug: str
    key_id: int
    key_label: str
    state: CandidateState
    tested_at: datetime
    can_decide: bool  # this person may


def undecided_candidates() -> QuerySet[KeyCandidate]:
    """Those of all organisations."""
    return KeyCandidate.objects.exclude(state=CandidateState.PENDING).exclude(RETRIED_HOURLY_Q)


def pending_decisions_list(*, user: User) -> list[PendingDecision]:
    """The decisions that wait in this person's organisations, the longest waiting first."""
    rows = compiled_query_fetch(
        _pending_decisions_query,
        audience_for(user),
        param_values={"person": user.pk},
        limit=_LIMIT,
    )
    return [
        PendingDecision(
            organisation_name=row["key__organisation__name"],
            organisation_slug=row["key__organisation__slug"],
            key_id=row["key_id"],
            key_label=row["key__label"],
            state=CandidateState(row["state"]),
            tested_at=row["tested_at"] or row["created_at"],
            can_decide=Permission.MANAGE_KEYS in effective_permissions(user, row["role"]),
        )
        for row in rows
    ]


def _pending_decisions_query(audience: Audience) -> QuerySet[Any, Any]:
    candidates: QuerySet[Any, Any] = undecided_candidates()
    role: Any = Value(None, output_field=CharField())
    if not audience.is_platform_admin:
        memberships = Membership.objects.filter(
            organisation=OuterRef("key__organisation"), user=audience.pk
        )
        role = Subquery(memberships.values("role")[:1])
        candidates = candidates.filter(key__organisation__memberships__user=audience.pk)
    rows: QuerySet[Any, Any] = (
        candidates.annotate(role=role)
        .order_by("tested_at", "key_id")
        .values(
            *("key_id", "key__label", "state", "tested_at", "created_at", "role"),
            *("key__organisation__name", "key__organisation__slug"),
        )
    )
    return rows

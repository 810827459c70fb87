"""Causes: what incidents of several organisations have in common.

By the rules that the panel's notices stand on: Aitronos cannot be reached (`shared_outage_get`),
keys are refused alike (`sync.status.refused_alike`), the master key does not fit.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from freddy_admin.alerts.models import Cause, CauseKind, Incident, IncidentKey, IncidentState
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.sync.health_states import REFUSED_STATES, HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.outage import (
    MIN_FAILING_KEYS,
    OUTAGE_FAILURE_KINDS,
    Outage,
    shared_outage_get,
)
from freddy_admin.sync.status.refused_alike import (
    RefusedGroup,
    others_work_expression,
    refused_group_of,
    refused_groups_list,
)


@dataclass(frozen=True, slots=True, order=True)
class CauseIdentity:
    """What tells one open cause from another."""

    kind: str
    detail: str = ""
    environment: str = ""  # of a refusal; "" for the default one
    organization_id: str = ""


@dataclass(frozen=True, slots=True)
class SharedFailures:
    """What keys of the panel have in common at one moment."""

    outage: Outage | None
    refused_groups: tuple[RefusedGroup, ...]

    def cause_of(self, part: dict[str, Any]) -> CauseIdentity | None:
        """The cause of a key's part in an incident, by the values of `_unlinked_parts`."""
        if part["health_state"] in REFUSED_STATES:
            return self._refusal_cause(part)
        if part["health_state"] != HealthState.UNKNOWN:
            return None
        if part["master_key_misfit_since"] is not None:
            return CauseIdentity(CauseKind.MASTER_KEY)
        outage = self.outage
        if outage is not None and part["error_kind"] in OUTAGE_FAILURE_KINDS[outage]:
            return CauseIdentity(CauseKind.API_UNREACHABLE, outage.value)
        return None

    def _refusal_cause(self, part: dict[str, Any]) -> CauseIdentity | None:
        group = refused_group_of(
            self.refused_groups,
            refusal=part["refusal"] or "",
            reported_organization_id=part["reported_organization_id"],
            environment=part["key__environment"],
            others_work=bool(part["others_work"]),
        )
        return None if group is None else _refusal_identity(group)

    def still_holds(self, cause: Cause) -> bool:
        """Whether keys share this cause at present, whatever became of its incidents."""
        if cause.kind == CauseKind.API_UNREACHABLE:
            return self.outage is not None and cause.detail == self.outage.value
        identity = CauseIdentity(cause.kind, cause.detail, cause.environment, cause.organization_id)
        return any(_refusal_identity(group) == identity for group in self.refused_groups)


def _refusal_identity(group: RefusedGroup) -> CauseIdentity:
    is_default = group.environment == DEFAULT_ENVIRONMENT
    environment = "" if is_default else group.environment
    return CauseIdentity(CauseKind.REFUSED_ALIKE, group.refusal, environment, group.organization_id)


@transaction.atomic
def causes_link(*, now: datetime) -> int:
    """Link open incidents that share a failure to its cause; returns how many were linked.

    Call it before deliveries are grouped. Causes that nothing shares any more end. Two statements
    where no incident is open, else a number that grows with the causes alone.
    """
    parts = _unlinked_parts()
    open_causes = list(Cause.objects.filter(resolved_at=None).order_by("pk"))
    if not parts and not open_causes:
        return 0
    failures = SharedFailures(shared_outage_get(now=now), tuple(refused_groups_list()))
    causes = dict[CauseIdentity, set[int]]()
    linked_ids = set[int]()
    for part in parts:
        identity = failures.cause_of(part)
        if identity is not None and part["incident_id"] not in linked_ids:
            linked_ids.add(part["incident_id"])
            causes.setdefault(identity, set()).add(part["incident_id"])
    linked = sum(
        _incidents_link(identity, incident_ids, now)
        for identity, incident_ids in sorted(causes.items())
    )
    _causes_close(open_causes, failures, now)
    return linked


def causes_close_without_incidents(*, cause_ids: Collection[int], now: datetime) -> None:
    """End those of these causes whose last incident is over; a statement, none without causes."""
    if cause_ids:
        unresolved = Incident.objects.filter(cause=OuterRef("pk")).exclude(
            state=IncidentState.RESOLVED
        )
        causes = Cause.objects.filter(~Exists(unresolved), pk__in=cause_ids, resolved_at=None)
        causes.update(resolved_at=now)


def _unlinked_parts() -> list[dict[str, Any]]:
    """The keys in open incidents without a cause, and what their latest checks say."""
    parts = IncidentKey.objects.filter(ended_at=None, incident__cause=None)
    states = {
        key_id: (incident_id, state)
        for key_id, incident_id, state in parts.filter(
            Q(health_state=HealthState.UNKNOWN) | Q(health_state__in=REFUSED_STATES)
        ).values_list("key_id", "incident_id", "health_state")
    }
    if not states:
        return []
    rows = SyncStatus.objects.filter(pk__in=parts.values("key_id"))
    values = rows.annotate(others_work=others_work_expression()).values(
        "key_id",
        "error_kind",
        "refusal",
        "reported_organization_id",
        "key__environment",
        "master_key_misfit_since",
        "others_work",
    )
    return [
        {**row, "incident_id": states[row["key_id"]][0], "health_state": states[row["key_id"]][1]}
        for row in values
        if row["key_id"] in states
    ]


def _incidents_link(identity: CauseIdentity, incident_ids: Iterable[int], now: datetime) -> int:
    # Incidents that somebody is changing are passed over, or the two could wait for each other:
    # they are linked the next time.
    rows = Incident.objects.select_for_update(skip_locked=True, no_key=True)
    unlinked = rows.filter(pk__in=list(incident_ids), cause=None).exclude(
        state=IncidentState.RESOLVED
    )
    opened_at_by_id = dict(unlinked.order_by("pk").values_list("pk", "opened_at"))
    if not opened_at_by_id:
        return 0
    identity_values = {
        "kind": identity.kind,
        "detail": identity.detail,
        "environment": identity.environment,
        "organization_id": identity.organization_id,
    }
    # Another worker may open the same cause at the same moment: one of the two rows stays.
    Cause.objects.bulk_create(
        [Cause(**identity_values, opened_at=min(opened_at_by_id.values()))], ignore_conflicts=True
    )
    cause = Cause.objects.get(**identity_values, resolved_at=None)
    return Incident.objects.filter(pk__in=list(opened_at_by_id)).update(
        cause=cause, cause_linked_at=now
    )


def _causes_close(causes: Iterable[Cause], failures: SharedFailures, now: datetime) -> None:
    """End causes that too few keys share by now; what is left are incidents of their own."""
    candidates = [cause.pk for cause in causes if not failures.still_holds(cause)]
    if not candidates:
        return
    open_parts = Count("incidents__keys", filter=Q(incidents__keys__ended_at=None))
    counted = Cause.objects.filter(pk__in=candidates).annotate(open_parts=open_parts)
    ended_ids = [
        pk
        for pk, kind, parts in counted.values_list("pk", "kind", "open_parts")
        if parts < (1 if kind == CauseKind.MASTER_KEY else MIN_FAILING_KEYS)
    ]
    if ended_ids:
        Cause.objects.filter(pk__in=ended_ids, resolved_at=None).update(resolved_at=now)

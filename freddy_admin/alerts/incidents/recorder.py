"""Opens, extends and resolves incidents, in the transaction of the change of health."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from freddy_admin.alerts.deliveries.planning import openings_plan, recoveries_plan
from freddy_admin.alerts.incidents.causes import causes_close_without_incidents
from freddy_admin.alerts.incidents.locks import incidents_lock, open_parts_locked
from freddy_admin.alerts.incidents.severity import is_worse, state_severity, worst_state
from freddy_admin.alerts.incidents.twins import OpenIncidents, SyncMark, open_incidents_of_twins
from freddy_admin.alerts.models import (
    Incident,
    IncidentEvent,
    IncidentEventKind,
    IncidentKey,
    IncidentState,
    Severity,
)
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.signals import HealthChange

_PART_FIELDS = (
    "health_state", "state_rule", "error_kind", "error_code", "error_http_status", "ended_at",
)  # fmt: skip
_INCIDENT_FIELDS = (
    "state", "severity", "health_state", "opened_at", "resolved_at", "resolution_noticed_at",
)  # fmt: skip
_BATCH_SIZE = 500


def health_changes_record(*, changes: Sequence[HealthChange], now: datetime) -> None:
    """Make of these changes what they mean for incidents, and plan who is told.

    A constant number of statements, however many keys changed; none where no change has to do
    with an incident. Call inside the transaction of the change.
    """
    net_changes = [change for change in merge_changes(changes) if _concerns_incidents(change)]
    if not net_changes:
        return
    incidents_lock({change.organisation_id for change in net_changes})
    open_parts = {
        part.key_id: part
        for part in open_parts_locked().filter(key_id__in=[change.key_id for change in net_changes])
    }
    batch = _Batch(now)
    for part in open_parts.values():
        part.incident = batch.incidents.setdefault(part.incident_id, part.incident)
    newly_affected = [change for change in net_changes if change.key_id not in open_parts]
    batch.open_incidents = open_incidents_of_twins(
        [SyncMark.from_change(change) for change in newly_affected if _severity(change)],
        batch.incidents,
    )
    for change in net_changes:
        batch.apply(change, open_parts.get(change.key_id))
    batch.save()
    if batch.opened:
        openings_plan(incidents=batch.opened, now=now)
    if batch.resolved:
        causes_close_without_incidents(
            cause_ids={incident.cause_id for incident in batch.resolved if incident.cause_id},
            now=now,
        )
        recoveries_plan(incidents=batch.resolved, now=now)


def merge_changes(changes: Iterable[HealthChange]) -> list[HealthChange]:
    """One change for each key: from the state before the first to the state after the last.

    What was noticed at once and was over by then is no incident: a key that became unknown with
    nobody there to look, and is well at the first look, was not seen to be ill.
    """
    merged = dict[int, HealthChange]()
    for change in changes:
        first = merged.get(change.key_id, change)
        merged[change.key_id] = replace(change, state_before=first.state_before)
    return list(merged.values())


def _severity(change: HealthChange) -> Severity | None:
    return state_severity(change.state_after)


def _concerns_incidents(change: HealthChange) -> bool:
    if change.state_before == change.state_after:
        return False
    return bool(state_severity(change.state_before) or _severity(change))


def incident_began_at(change: HealthChange) -> datetime:
    """When the state that opens an incident became true: with failing checks not before they did.

    An unknown span that began while no worker looked is our own absence.
    """
    if change.state_after == HealthState.UNKNOWN and change.failing_since is not None:
        return max(change.true_since, min(change.failing_since, change.noticed_at))
    return min(change.true_since, change.noticed_at)


@dataclass
class _Batch:
    """The incidents that one batch of changes touches, and what is to be written of them."""

    now: datetime
    incidents: dict[int, Incident] = field(default_factory=dict)  # those read, by id
    open_incidents: OpenIncidents = field(default_factory=OpenIncidents)
    opened: list[Incident] = field(default_factory=list)  # new, or worse than they were
    resolved: list[Incident] = field(default_factory=list)
    _new_incidents: list[Incident] = field(default_factory=list)
    _new_parts: list[IncidentKey] = field(default_factory=list)
    _changed_parts: list[IncidentKey] = field(default_factory=list)
    _touched: dict[int, Incident] = field(default_factory=dict)  # those read and changed
    _ended: dict[int, datetime] = field(default_factory=dict)  # by incident, a part's latest end
    _events: list[IncidentEvent] = field(default_factory=list)

    def apply(self, change: HealthChange, part: IncidentKey | None) -> None:
        """Apply the change of a key; `part` is what it is in an open incident, if it is in one."""
        if part is not None:
            self._update_part(change, part)
        elif change.state_after is not None and (severity := _severity(change)):
            self._add_part(change, change.state_after, severity)

    def save(self) -> None:
        """Write it all: new rows first, then what follows for the incidents that were touched."""
        Incident.objects.bulk_create(self._new_incidents, batch_size=_BATCH_SIZE)
        for part in self._new_parts:
            part.incident = part.incident  # takes the id that the incident has by now
        IncidentKey.objects.bulk_create(self._new_parts, batch_size=_BATCH_SIZE)
        if self._changed_parts:
            IncidentKey.objects.bulk_update(
                self._changed_parts, _PART_FIELDS, batch_size=_BATCH_SIZE
            )
        self._update_touched_incidents()
        IncidentEvent.objects.bulk_create(self._events_to_save(), batch_size=_BATCH_SIZE)

    def _update_part(self, change: HealthChange, part: IncidentKey) -> None:
        incident = part.incident
        self._touched[incident.pk] = incident
        self._changed_parts.append(part)
        if _severity(change) is None:
            part.ended_at = max(part.began_at, change.at)
            self._ended[incident.pk] = max(self._ended.get(incident.pk, change.at), part.ended_at)
            self._add_event(incident, IncidentEventKind.KEY_RECOVERED, part.ended_at, change)
            return
        if part.health_state != change.state_after:
            self._add_event(incident, IncidentEventKind.STATE_CHANGED, change.at, change)
        _describe_part(part, change)

    def _add_part(self, change: HealthChange, state: HealthState, severity: Severity) -> None:
        began_at, mark = incident_began_at(change), SyncMark.from_change(change)
        incident = self.open_incidents.find(mark)
        if incident is None:
            incident = Incident(
                organisation_id=change.organisation_id,
                severity=severity,
                health_state=state,
                opened_at=began_at,
                noticed_at=self.now,
            )
            self._new_incidents.append(incident)
            self.opened.append(incident)
            self._add_event(incident, IncidentEventKind.OPENED, began_at, change)
        else:
            self._join(incident, state, began_at)
            self._add_event(incident, IncidentEventKind.KEY_JOINED, change.noticed_at, change)
        self.open_incidents.add(mark, incident)
        part = IncidentKey(incident=incident, key_id=change.key_id, began_at=began_at)
        _describe_part(part, change)
        self._new_parts.append(part)

    def _join(self, incident: Incident, state: HealthState, began_at: datetime) -> None:
        incident.opened_at = min(incident.opened_at, began_at)
        if not incident._state.adding:  # noqa: SLF001  Django's documented way to ask
            self._touched[incident.pk] = incident
            return
        # A twin in the same batch: nobody was told of its incident yet.
        incident.health_state = worst_state([incident.health_state, state])
        incident.severity = state_severity(incident.health_state) or incident.severity

    def _add_event(
        self,
        incident: Incident,
        kind: IncidentEventKind,
        at: datetime,
        change: HealthChange | None = None,
    ) -> None:
        details = dict[str, Any]()
        if change is not None:
            states = [change.state_before, change.state_after]
            details = {"key_id": change.key_id, "state": states}
        self._events.append(IncidentEvent(incident=incident, kind=kind, at=at, details=details))

    def _update_touched_incidents(self) -> None:
        if not self._touched:
            return
        open_states = dict[int, list[str]]()
        for incident_id, state in IncidentKey.objects.filter(
            incident_id__in=list(self._touched), ended_at=None
        ).values_list("incident_id", "health_state"):
            open_states.setdefault(incident_id, []).append(state)
        for pk, incident in self._touched.items():
            if pk in open_states:
                self._update_state(incident, open_states[pk])
            else:
                self._resolve(incident)
        Incident.objects.bulk_update(
            self._touched.values(), _INCIDENT_FIELDS, batch_size=_BATCH_SIZE
        )

    def _update_state(self, incident: Incident, states: Iterable[str]) -> None:
        incident.health_state = worst_state(states)
        former = incident.severity
        incident.severity = state_severity(incident.health_state) or former
        if is_worse(incident.severity, than=former):
            self.opened.append(incident)

    def _resolve(self, incident: Incident) -> None:
        incident.state = IncidentState.RESOLVED
        incident.resolved_at = max(self._ended[incident.pk], incident.opened_at)
        incident.resolution_noticed_at = self.now
        self.resolved.append(incident)
        self._add_event(incident, IncidentEventKind.RESOLVED, incident.resolved_at)

    def _events_to_save(self) -> list[IncidentEvent]:
        # That the last key recovered is what "resolved" says.
        resolved_ids = {incident.pk for incident in self.resolved}
        events = [
            event
            for event in self._events
            if event.kind != IncidentEventKind.KEY_RECOVERED
            or event.incident.pk not in resolved_ids
        ]
        for event in events:
            event.incident = event.incident
        return events


def _describe_part(part: IncidentKey, change: HealthChange) -> None:
    part.health_state = HealthState(change.state_after or "")
    part.state_rule = change.state_rule
    part.error_kind, part.error_code = change.error_kind, change.error_code
    part.error_http_status = change.error_http_status

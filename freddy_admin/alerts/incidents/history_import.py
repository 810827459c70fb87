"""Makes incidents of the history that is older than the alerts, of which nobody is told.

A worker does it in batches of keys, each in one transaction that also says how far it came: it
goes on after a stop, and does nothing twice.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q

from freddy_admin.alerts.incidents.history_spans import (
    BadSpan,
    KeyEvent,
    SpanChange,
    bad_spans,
)
from freddy_admin.alerts.incidents.locks import incidents_lock
from freddy_admin.alerts.incidents.severity import state_severity, worst_state
from freddy_admin.alerts.incidents.twins import SyncMark
from freddy_admin.alerts.models import (
    HistoryImport,
    Incident,
    IncidentEvent,
    IncidentEventKind,
    IncidentKey,
    IncidentState,
    Severity,
)
from freddy_admin.core import clock
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import EventKind, HistoryEvent
from freddy_admin.vault.models import ApiKey

KEYS_PER_STEP = 100
_BATCH_SIZE = 500


@transaction.atomic
def history_incidents_create() -> bool:
    """Go through the next keys' history; whether there is more.

    Safe to run twice or at once: another worker that is at it is not waited for.
    """
    progress = _progress_locked()
    if progress is None:
        return False
    rows = (
        ApiKey.objects.filter(pk__gt=progress.last_key_id, pk__lte=progress.until_key_id)
        .order_by("pk")
        .values(
            "pk",
            "organisation_id",
            state=F("sync_status__recorded_state"),
            recorded_at=F("sync_status__recorded_at"),
            digest=F("sync_status__figures_digest"),
            previous_digest=F("sync_status__previous_figures_digest"),
            check_count=F("sync_status__figures_check_count"),
        )
    )
    keys: list[dict[str, Any]] = [{**row} for row in rows[:KEYS_PER_STEP]]
    if keys:
        incidents_lock({key["organisation_id"] for key in keys})
        _keys_import(keys)
        progress.last_key_id = keys[-1]["pk"]
    if len(keys) < KEYS_PER_STEP:
        progress.finished_at = clock.now()
    progress.save(update_fields=["last_key_id", "finished_at"])
    return progress.finished_at is None


def _progress_locked() -> HistoryImport | None:
    """How far it came, locked; None where it is done, or another worker is at it."""
    if not HistoryImport.objects.exists():
        until = ApiKey.objects.aggregate(latest=Max("pk"))["latest"] or 0
        # One id, so that of two workers that begin at once one row stays.
        HistoryImport.objects.bulk_create(
            [HistoryImport(pk=1, started_at=clock.now(), until_key_id=until)], ignore_conflicts=True
        )
    unfinished = HistoryImport.objects.filter(finished_at=None)
    return unfinished.select_for_update(skip_locked=True).first()


@dataclass
class _HistoricIncident:
    """An incident that is made of spans of twins, with what is to be written of it."""

    incident: Incident
    parts: list[tuple[SyncMark, datetime, datetime | None]] = field(default_factory=list)

    def takes(self, span: BadSpan, mark: SyncMark) -> bool:
        """Whether the span belongs to it: of a twin, and at the same time."""
        return any(
            mark.is_twin_of(other) and span.overlaps(start, end) for other, start, end in self.parts
        )


def _keys_import(keys: list[dict[str, Any]]) -> None:
    marks = {
        key["pk"]: SyncMark(
            key["organisation_id"],
            key["digest"] or "",
            key["previous_digest"] or "",
            key["check_count"] or 0,
        )
        for key in keys
    }
    by_digest = _known_incidents(marks.values())
    spans = _spans_of_keys(keys)
    writer = _Writer()
    for span in sorted(spans, key=lambda span: (span.began_at, span.key_id)):
        mark = marks[span.key_id]
        candidates = by_digest[mark.organisation_id, mark.digest]
        historic = next((known for known in candidates if known.takes(span, mark)), None)
        if historic is None:
            historic = _HistoricIncident(writer.incident_from_span(span, mark.organisation_id))
            candidates.append(historic)
        else:
            writer.incident_extend(historic.incident, span)
        historic.parts.append((mark, span.began_at, span.ended_at))
        writer.add_part(historic.incident, span)
    writer.save()


def _spans_of_keys(keys: Iterable[dict[str, Any]]) -> list[BadSpan]:
    """The spans that are in no incident yet."""
    keys_by_id = {key["pk"]: key for key in keys}
    events = defaultdict[int, list[KeyEvent]](list)
    rows = HistoryEvent.objects.filter(
        key_id__in=list(keys_by_id), kind__in=(EventKind.HEALTH_CHANGED, EventKind.KEY_CHANGED)
    ).order_by("noticed_at", "pk")
    for key_id, kind, at, noticed_at, details in rows.values_list(
        "key_id", "kind", "at", "noticed_at", "details"
    ):
        events[key_id or 0].append(KeyEvent(EventKind(kind), at, noticed_at, details))
    recorded = defaultdict[int, list[tuple[datetime, datetime | None]]](list)
    for key_id, began_at, ended_at in IncidentKey.objects.filter(
        key_id__in=list(keys_by_id)
    ).values_list("key_id", "began_at", "ended_at"):
        recorded[key_id].append((began_at, ended_at))
    return [
        span
        for key_id, key in keys_by_id.items()
        for span in _with_present_state(bad_spans(key_id, events[key_id]), key)
        if not any(span.overlaps(*part) for part in recorded[key_id])
    ]


def _with_present_state(spans: list[BadSpan], key: dict[str, Any]) -> list[BadSpan]:
    """The spans, and that which began before the history does and has not ended."""
    state, recorded_at = key["state"], key["recorded_at"]
    is_bad = bool(state and state_severity(state)) and recorded_at is not None
    open_span = spans[-1] if spans and spans[-1].ended_at is None else None
    if is_bad and open_span is None:
        change = SpanChange(recorded_at, recorded_at, HealthState(state))
        spans.append(BadSpan(key["pk"], recorded_at, [change]))
    if open_span is not None and not is_bad:
        # The row says otherwise than its events: history that was cut, or repaired.
        spans.remove(open_span)
    return spans


def _known_incidents(
    marks: Iterable[SyncMark],
) -> defaultdict[tuple[int, str], list[_HistoricIncident]]:
    """Incidents of twins from earlier batches, and those that are open by now."""
    by_digest = defaultdict[tuple[int, str], list[_HistoricIncident]](list)
    wanted = {mark.digest: mark.organisation_id for mark in marks if mark.digest}
    parts = IncidentKey.objects.select_for_update(of=("incident",), no_key=True).filter(
        Q(incident__is_from_history=True) | Q(ended_at=None),
        incident__organisation_id__in=set(wanted.values()),
        key__sync_status__figures_digest__in=list(wanted),
    )
    parts = parts.select_related("incident").annotate(
        digest=F("key__sync_status__figures_digest"),
        previous_digest=F("key__sync_status__previous_figures_digest"),
        check_count=F("key__sync_status__figures_check_count"),
    )
    known = dict[int, _HistoricIncident]()
    for part in parts.order_by("incident_id", "pk") if wanted else ():
        organisation_id = part.incident.organisation_id
        mark = SyncMark(organisation_id, part.digest, part.previous_digest, part.check_count)
        if part.incident_id not in known:
            known[part.incident_id] = _HistoricIncident(part.incident)
            by_digest[organisation_id, part.digest].append(known[part.incident_id])
        known[part.incident_id].parts.append((mark, part.began_at, part.ended_at))
    return by_digest


@dataclass
class _Writer:
    """Gathers the rows of one batch, and writes them in a constant number of statements."""

    _new: list[Incident] = field(default_factory=list)
    _extended: dict[int, Incident] = field(default_factory=dict)
    _parts: list[IncidentKey] = field(default_factory=list)
    _events: list[IncidentEvent] = field(default_factory=list)

    def incident_from_span(self, span: BadSpan, organisation_id: int) -> Incident:
        """A new incident of this span."""
        state = span.changes[-1].state
        is_over = span.ended_at is not None
        incident = Incident(
            organisation_id=organisation_id,
            state=IncidentState.RESOLVED if is_over else IncidentState.OPEN,
            severity=state_severity(state) or Severity.WARNING,
            health_state=state,
            opened_at=span.began_at,
            noticed_at=span.changes[0].noticed_at,
            resolved_at=span.ended_at,
            resolution_noticed_at=span.end_noticed_at,
            is_from_history=True,
        )
        self._new.append(incident)
        self._add_events(incident, span, IncidentEventKind.OPENED)
        return incident

    def incident_extend(self, incident: Incident, span: BadSpan) -> None:
        """Let the span of a twin belong to an incident, which is over when both are."""
        incident.opened_at = min(incident.opened_at, span.began_at)
        state = worst_state([incident.health_state, span.changes[-1].state])
        if incident.resolved_at is not None:
            if span.ended_at is None:
                incident.state = IncidentState.OPEN
                incident.resolved_at = incident.resolution_noticed_at = None
            elif span.ended_at > incident.resolved_at:
                incident.resolved_at = span.ended_at
                incident.resolution_noticed_at = span.end_noticed_at
        incident.health_state = state
        incident.severity = state_severity(state) or incident.severity
        if not incident._state.adding:  # noqa: SLF001  Django's documented way to ask
            self._extended[incident.pk] = incident
        self._add_events(incident, span, IncidentEventKind.KEY_JOINED)

    def add_part(self, incident: Incident, span: BadSpan) -> None:
        """The key of the span in its incident."""
        self._parts.append(
            IncidentKey(
                incident=incident,
                key_id=span.key_id,
                health_state=span.changes[-1].state,
                began_at=span.began_at,
                ended_at=span.ended_at,
            )
        )

    def save(self) -> None:
        """Write all of it."""
        Incident.objects.bulk_create(self._new, batch_size=_BATCH_SIZE)
        fields = [
            *("state", "severity", "health_state", "opened_at", "resolved_at"),
            "resolution_noticed_at",
        ]
        Incident.objects.bulk_update(self._extended.values(), fields, batch_size=_BATCH_SIZE)
        for part in self._parts:
            part.incident = part.incident  # takes the id that the incident has by now
        IncidentKey.objects.bulk_create(self._parts, batch_size=_BATCH_SIZE)
        self._add_resolutions()
        for event in self._events:
            event.incident = event.incident
        IncidentEvent.objects.bulk_create(self._events, batch_size=_BATCH_SIZE)

    def _add_events(self, incident: Incident, span: BadSpan, first: IncidentEventKind) -> None:
        before: HealthState | None = None
        for change in span.changes:
            kind = IncidentEventKind.STATE_CHANGED if before else first
            details = {"key_id": span.key_id, "state": [before, change.state]}
            self._add_event(incident, kind, change.at, details)
            before = change.state

    def _add_resolutions(self) -> None:
        if self._extended:
            IncidentEvent.objects.filter(
                incident_id__in=list(self._extended), kind=IncidentEventKind.RESOLVED
            ).delete()
        for incident in (*self._new, *self._extended.values()):
            if incident.resolved_at is not None:
                self._add_event(incident, IncidentEventKind.RESOLVED, incident.resolved_at, {})

    def _add_event(
        self, incident: Incident, kind: IncidentEventKind, at: datetime, details: dict[str, Any]
    ) -> None:
        self._events.append(IncidentEvent(incident=incident, kind=kind, at=at, details=details))

"""The incidents of some time as the recorded history tells them, with what decided about them."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Q

from freddy_admin.alerts.incidents.history_spans import BadSpan, KeyEvent, SpanChange, bad_spans
from freddy_admin.alerts.incidents.severity import is_worse, state_severity, worst_state
from freddy_admin.alerts.models import (
    IncidentEvent,
    IncidentEventKind,
    IncidentKey,
    Severity,
)
from freddy_admin.alerts.rehearsal.replay import RehearsedIncident
from freddy_admin.alerts.rules.decisions import confirmation_is_needed
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import CheckOutcome, CheckRun, EventKind, HistoryEvent, SyncStatus

# What began earlier is told of by reminders once a day, however long ago it began.
LOOKBACK: Final = timedelta(days=7)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_STATE_EVENTS: Final = (EventKind.HEALTH_CHANGED, EventKind.KEY_CHANGED)


@dataclass(frozen=True, slots=True)
class IncidentStage:
    """From when on an incident asked for so much: at its opening, and each time it got worse."""

    at: datetime
    severity: Severity
    health_state: HealthState


@dataclass(slots=True)
class _Story:
    """An incident with the spans of its keys."""

    incident: RehearsedIncident
    spans: list[tuple[int, BadSpan]] = field(default_factory=list)
    stages: list[IncidentStage] = field(default_factory=list)
    first_state: HealthState = HealthState.UNKNOWN
    last_state: HealthState = HealthState.UNKNOWN
    known_at: datetime | None = None  # when its state was no longer one that a check confirms


def rehearsed_incidents(
    *, organisation_ids: Collection[int], since: datetime, until: datetime
) -> list[tuple[RehearsedIncident, list[IncidentStage]]]:
    """The incidents of these organisations from a week before `since`, each with its stages.

    What was recorded as incidents gives them their causes, twins and acknowledgements; history
    without them tells of each key by itself. A handful of queries, however many keys.
    """
    start = since - LOOKBACK
    spans = _spans(organisation_ids, start, until)
    stories = _stories(spans, _stored_parts(organisation_ids, start))
    for story in stories:
        _tell(story)
        _add_stage_of_link(story)
    _add_confirmations(stories, start)
    _add_acknowledgements(stories)
    return [(story.incident, story.stages) for story in stories]


def _spans(
    organisation_ids: Collection[int], start: datetime, until: datetime
) -> list[tuple[int, BadSpan]]:
    """The spans in which keys were not well, each with its organisation, in the order noticed."""
    rows = HistoryEvent.objects.filter(
        organisation__in=organisation_ids,
        key__isnull=False,
        kind__in=_STATE_EVENTS,
        noticed_at__gte=start,
        noticed_at__lt=until,
    ).order_by("noticed_at", "pk")
    events, owners = defaultdict[int, list[KeyEvent]](list), dict[int, int]()
    values = rows.values_list("key_id", "organisation_id", "kind", "at", "noticed_at", "details")
    for key_id, organisation_id, kind, at, noticed_at, details in values.iterator():
        if key_id not in owners:
            owners[key_id] = organisation_id
            events[key_id] += _state_at_start(_state_before(details), start)
        events[key_id].append(KeyEvent(EventKind(kind), at, noticed_at, details))
    lasting = SyncStatus.objects.filter(
        organisation__in=organisation_ids, recorded_at__lt=start
    ).values_list("key_id", "organisation_id", "recorded_state")
    for key_id, organisation_id, state in lasting:
        if key_id not in owners and (known := _state_at_start(state, start)):
            owners[key_id], events[key_id] = organisation_id, known
    spans = [
        (owners[key_id], span)
        for key_id, key_events in events.items()
        for span in bad_spans(key_id, key_events)
    ]
    spans.sort(key=lambda item: (item[1].changes[0].noticed_at, item[1].key_id))
    return spans


def _state_before(details: object) -> str:
    states = details.get("state") if isinstance(details, dict) else None
    return str(states[0]) if isinstance(states, list) and states else ""


def _state_at_start(state: str, start: datetime) -> list[KeyEvent]:
    """The event by which a key is in the state from which the history goes on."""
    if state not in HealthState.values or state_severity(HealthState(state)) is None:
        return []
    return [KeyEvent(EventKind.HEALTH_CHANGED, start, start, {"state": ["", state]})]


@dataclass(frozen=True, slots=True)
class _StoredPart:
    """A key in an incident that was recorded."""

    incident_id: int
    cause_id: int | None
    cause_linked_at: datetime | None
    noticed_at: datetime
    resolution_noticed_at: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether the incident was open at this moment."""
        is_over = self.resolution_noticed_at is not None and self.resolution_noticed_at < at
        return self.noticed_at <= at and not is_over


def _stored_parts(
    organisation_ids: Collection[int], start: datetime
) -> dict[int, list[_StoredPart]]:
    rows = IncidentKey.objects.filter(
        Q(incident__resolution_noticed_at=None) | Q(incident__resolution_noticed_at__gte=start),
        incident__organisation__in=organisation_ids,
    ).values_list(
        "key_id",
        "incident_id",
        "incident__cause_id",
        "incident__cause_linked_at",
        "incident__noticed_at",
        "incident__resolution_noticed_at",
    )
    parts = defaultdict[int, list[_StoredPart]](list)
    for row in rows:
        parts[row[0]].append(_StoredPart(*row[1:]))
    return parts


def _stories(
    spans: Iterable[tuple[int, BadSpan]], stored_parts: Mapping[int, Sequence[_StoredPart]]
) -> list[_Story]:
    stories, by_stored_id = list[_Story](), dict[int, _Story]()
    for organisation_id, span in spans:
        opened_at = span.changes[0].noticed_at
        part = next((p for p in stored_parts.get(span.key_id, ()) if p.holds(opened_at)), None)
        story = by_stored_id.get(part.incident_id) if part else None
        if story is None:
            incident = RehearsedIncident(len(stories), organisation_id, opened_at)
            story = _Story(incident)
            stories.append(story)
            if part is not None:
                incident.cause_id, incident.stored_id = part.cause_id, part.incident_id
                incident.cause_linked_at = part.cause_linked_at
                by_stored_id[part.incident_id] = story
        story.spans.append((organisation_id, span))
        story.incident.key_ids.add(span.key_id)
    return stories


def _tell(story: _Story) -> None:
    """What the incident was at each moment: its stages, its end, its first and last state."""
    changes: list[tuple[datetime, int, SpanChange | None]] = []
    for number, (_organisation_id, span) in enumerate(story.spans):
        changes += [(change.noticed_at, number, change) for change in span.changes]
        if span.end_noticed_at is not None:
            changes.append((span.end_noticed_at, number, None))
    changes.sort(key=lambda change: change[:2])
    states = dict[int, HealthState]()
    severity: Severity | None = None
    for at, number, change in changes:
        if change is None:
            states.pop(number, None)
        else:
            states[number] = change.state
        if not states:
            story.incident.resolved_at = at
            continue
        state = worst_state(states.values())
        former, severity = severity, state_severity(state)
        assert severity is not None  # noqa: S101  only such states are in a span
        if former is None:
            story.first_state = state
        if former is None or is_worse(severity, than=former):
            story.stages.append(IncidentStage(at, severity, state))
        story.last_state = state
        if story.known_at is None and not confirmation_is_needed(state):
            story.known_at = at
    if states:
        story.incident.resolved_at = None


def _add_stage_of_link(story: _Story) -> None:
    """Whoever is told of causes alone is told once it is linked to one."""
    linked_at, incident = story.incident.cause_linked_at, story.incident
    if linked_at is None or not incident.is_open(linked_at):
        return
    earlier = [stage for stage in story.stages if stage.at <= linked_at]
    if earlier:
        story.stages.append(replace(earlier[-1], at=linked_at))
        story.stages.sort(key=lambda stage: stage.at)


def _add_confirmations(stories: Iterable[_Story], start: datetime) -> None:
    """When a second check had shown what the first did, for the states that need one."""
    begun = [story for story in stories if confirmation_is_needed(story.first_state)]
    ended = [
        story
        for story in stories
        if confirmation_is_needed(story.last_state) and story.incident.resolved_at is not None
    ]
    key_ids = {key_id for story in (*begun, *ended) for key_id in story.incident.key_ids}
    if not key_ids:
        return
    checks = _CheckTimes(key_ids, start)
    for story in begun:
        opened_at = story.incident.opened_at
        moments = [checks.begin_confirmed_at(span.key_id, opened_at) for _o, span in story.spans]
        confirmed_at = min(moments)
        if story.known_at is not None:
            confirmed_at = min(confirmed_at, story.known_at)
        story.incident.begin_confirmed_at = confirmed_at
    for story in ended:
        resolved_at = story.incident.resolved_at or _NEVER
        story.incident.end_confirmed_at = max(
            checks.end_confirmed_at(key_id, resolved_at) for key_id in story.incident.key_ids
        )


class _CheckTimes:
    """When keys were checked, by the recorded runs of equal checks and the present one."""

    def __init__(self, key_ids: Collection[int], start: datetime) -> None:
        self._runs = defaultdict[int, list[tuple[datetime, datetime, int, bool]]](list)
        rows = CheckRun.objects.filter(key__in=key_ids, last_at__gte=start).order_by("first_at")
        for key_id, first_at, last_at, count, outcome in rows.values_list(
            "key_id", "first_at", "last_at", "count", "outcome"
        ):
            self._runs[key_id].append((first_at, last_at, count, outcome == CheckOutcome.GOOD))
        present = SyncStatus.objects.filter(
            key__in=key_ids, run_count__gt=0, run_started_at__isnull=False
        )
        for status in present.only(
            "key_id", "run_started_at", "checked_at", "run_count", "outcome"
        ):
            if status.run_started_at is not None:
                run = (
                    status.run_started_at,
                    status.checked_at or status.run_started_at,
                    status.run_count,
                    status.outcome == CheckOutcome.GOOD,
                )
                self._runs[status.pk].append(run)
        self._starts = {
            key_id: [first_at for first_at, *_rest in runs] for key_id, runs in self._runs.items()
        }

    def begin_confirmed_at(self, key_id: int, at: datetime) -> datetime:
        """When a failing check was not the first one, for an incident noticed at `at`."""
        runs = self._runs.get(key_id)
        if not runs:
            return at
        number = bisect_right(self._starts[key_id], at - timedelta(seconds=1)) - 1
        if number >= 0 and not runs[number][3]:
            return at
        return self._next_check(key_id, at, only_good=False)

    def end_confirmed_at(self, key_id: int, at: datetime) -> datetime:
        """When a second good check came, for an incident that was noticed to be over at `at`."""
        return self._next_check(key_id, at, only_good=True) if key_id in self._runs else at

    def _next_check(self, key_id: int, at: datetime, *, only_good: bool) -> datetime:
        runs = self._runs[key_id]
        number = max(0, bisect_right(self._starts[key_id], at) - 1)
        for first_at, last_at, count, is_good in runs[number:]:
            if last_at <= at or (only_good and not is_good):
                continue
            if first_at > at:
                return first_at
            step = (last_at - first_at) / max(1, count - 1)
            passed = (at - first_at) // step if step else 0
            return min(last_at, first_at + step * (passed + 1))
        return _NEVER


def _add_acknowledgements(stories: Iterable[_Story]) -> None:
    incidents = {
        story.incident.stored_id: story.incident
        for story in stories
        if story.incident.stored_id is not None
    }
    if not incidents:
        return
    rows = IncidentEvent.objects.filter(
        incident__in=list(incidents),
        kind__in=(IncidentEventKind.ACKNOWLEDGED, IncidentEventKind.UNACKNOWLEDGED),
    ).order_by("at", "pk")
    for incident_id, kind, at in rows.values_list("incident_id", "kind", "at"):
        is_acknowledged = kind == IncidentEventKind.ACKNOWLEDGED
        incidents[incident_id].acknowledgements.append((at, is_acknowledged))

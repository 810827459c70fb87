"""Replays who is told what: planning, the drain and reminders in memory, one receiver at a time.

What the worker does row by row (`deliveries.planning`, `grouping`, `reminders`) with the same
decisions (`rules.decisions`), so that the count is that of the messages which really go out.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from freddy_admin.alerts.models import ChannelKind, DeliveryKind
from freddy_admin.alerts.rules.decisions import (
    GROUPING_WAIT,
    Action,
    Decision,
    DeliveryTerms,
    GroupKey,
    HeldReason,
    RuleTerms,
    cause_opening_wait,
    cause_recovery_wait,
    delivery_decide,
    group_key,
    opening_send_at,
    reminder_gap,
)
from freddy_admin.alerts.rules.quiet_hours import QuietHours

Silences = Callable[["RehearsedIncident", datetime], Sequence[tuple[HeldReason, datetime]]]
_LOOSELY_HELD = frozenset(
    {
        HeldReason.SECOND_CHECK,
        HeldReason.CAUSE_GROWS,
        HeldReason.CAUSE_LASTS,
        HeldReason.CAUSE_TOLD,
    }
)
_KIND_RANK = {kind: rank for rank, kind in enumerate(DeliveryKind)}


@dataclass(slots=True, eq=False)
class RehearsedIncident:
    """An incident as the history tells it; times are when it was noticed."""

    number: int  # its place in the order of the history
    organisation_id: int
    opened_at: datetime
    resolved_at: datetime | None = None
    cause_id: int | None = None
    cause_linked_at: datetime | None = None  # None of a cause that it had from the beginning
    stored_id: int | None = None  # of the incident that was recorded, if one was
    key_ids: set[int] = field(default_factory=set)
    # From when on a second check has shown the same.
    begin_confirmed_at: datetime | None = None
    end_confirmed_at: datetime | None = None
    acknowledgements: list[tuple[datetime, bool]] = field(default_factory=list)

    def is_open(self, at: datetime) -> bool:
        """Whether it was not over at this moment."""
        return self.resolved_at is None or self.resolved_at > at

    def cause_at(self, at: datetime) -> int | None:
        """The cause that was known of it at this moment."""
        is_linked = self.cause_linked_at is None or self.cause_linked_at <= at
        return self.cause_id if is_linked else None

    def is_acknowledged(self, at: datetime) -> bool:
        """Whether somebody had said that they look after it."""
        is_acknowledged = False
        for moment, value in self.acknowledgements:
            if moment > at:
                break
            is_acknowledged = value
        return is_acknowledged and self.is_open(at)

    def is_confirmed(self, at: datetime) -> bool:
        """Whether what it is at this moment was seen by more than one check."""
        confirmed_at = self.begin_confirmed_at if self.is_open(at) else self.end_confirmed_at
        return confirmed_at is None or confirmed_at <= at


class PlannedOpening(NamedTuple):
    """That a receiver is to be told of an incident, by this rule."""

    at: datetime
    incident: RehearsedIncident
    rule: RuleTerms


@dataclass(frozen=True, slots=True)
class RehearsedMessage:
    """A message that would have gone out, and of which incidents it tells."""

    at: datetime
    kind: DeliveryKind
    incidents: tuple[RehearsedIncident, ...]
    cause_id: int | None


@dataclass(slots=True, eq=False)
class _Row:
    incident: RehearsedIncident
    kind: DeliveryKind
    rule: RuleTerms
    send_at: datetime
    planned_at: datetime
    number: int = 0
    held_reason: HeldReason | None = None
    is_done: bool = False  # in a message, or dropped
    pushed_at: datetime | None = None  # where in the heap it stands


@dataclass
class Replay:
    """One receiver: call `run` once."""

    channel_kind: ChannelKind
    quiet_hours: QuietHours | None  # the person's own
    silences: Silences
    _heap: list[tuple[datetime, int, _Row]] = field(default_factory=list)
    _loosely_held: set[_Row] = field(default_factory=set)
    _rows: dict[RehearsedIncident, list[_Row]] = field(
        default_factory=lambda: defaultdict[RehearsedIncident, list[_Row]](list)
    )
    _told: dict[RehearsedIncident, int | None] = field(default_factory=dict)  # by which cause
    _told_at: dict[int, datetime] = field(default_factory=dict)  # by cause
    _open_told: dict[int, set[RehearsedIncident]] = field(
        default_factory=lambda: defaultdict[int, set[RehearsedIncident]](set)
    )
    _messages: list[RehearsedMessage] = field(default_factory=list)
    _count: int = 0

    def run(self, openings: Iterable[PlannedOpening], *, until: datetime) -> list[RehearsedMessage]:
        """The messages that would have gone out before `until`, in their order."""
        events: list[tuple[datetime, int, int, PlannedOpening | RehearsedIncident]] = []
        incidents = dict[int, RehearsedIncident]()
        for opening in openings:
            events.append((opening.at, 0, opening.incident.number, opening))
            incidents[opening.incident.number] = opening.incident
        events += [
            (incident.resolved_at, 1, number, incident)
            for number, incident in incidents.items()
            if incident.resolved_at is not None
        ]
        # An end of this very moment comes first for the drain, as in the transaction of the change.
        events.sort(key=lambda event: event[:3])
        for at, _rank, _number, event in events:
            if at >= until:
                break
            self._drain_before(at)
            if isinstance(event, PlannedOpening):
                self._plan_opening(event)
            else:
                self._plan_recovery(event, at)
        self._drain_before(until)
        return self._messages

    def _push(self, row: _Row) -> None:
        """Have it looked at when it is due; a row stands in the heap once, besides what is over."""
        if row.pushed_at != row.send_at:
            row.pushed_at, self._count = row.send_at, self._count + 1
            heapq.heappush(self._heap, (row.send_at, self._count, row))

    def _pop(self) -> _Row | None:
        """The row that is due first; None for an entry that is over."""
        send_at, _number, row = heapq.heappop(self._heap)
        if row.is_done or row.send_at != send_at or row.pushed_at != send_at:
            return None
        row.pushed_at = None
        return row

    def _add(self, row: _Row) -> None:
        self._rows[row.incident].append(row)
        self._push(row)

    def _plan_opening(self, opening: PlannedOpening) -> None:
        if any(row.kind == DeliveryKind.OPENED for row in self._rows[opening.incident]):
            return  # told, or planned, by an earlier word
        send_at = opening_send_at(opening.rule, now=opening.at)
        row = _Row(opening.incident, DeliveryKind.OPENED, opening.rule, send_at, opening.at)
        self._add(row)

    def _plan_recovery(self, incident: RehearsedIncident, at: datetime) -> None:
        for row in self._rows[incident]:
            if not row.is_done:
                self._finish(row)
        for told in self._open_told.values():
            told.discard(incident)
        if incident not in self._told:
            return
        opening = next(row for row in self._rows[incident] if row.kind == DeliveryKind.OPENED)
        row = _Row(incident, DeliveryKind.RESOLVED, opening.rule, at + GROUPING_WAIT, at)
        self._add(row)

    def _finish(self, row: _Row) -> None:
        row.is_done = True
        self._loosely_held.discard(row)

    def _drain_before(self, until: datetime) -> None:
        while self._heap:
            send_at, _number, row = self._heap[0]
            if row.is_done or row.send_at != send_at or row.pushed_at != send_at:
                heapq.heappop(self._heap)
            elif send_at < until:
                self._drain(send_at)
            else:
                return

    def _drain(self, now: datetime) -> None:
        rows = self._candidates(now)
        groups, unconfirmed_causes = self._decide(rows, now)
        for key in sorted(groups, key=lambda key: _KIND_RANK[key.kind]):
            if not any(row.send_at <= now for row in groups[key]):
                continue
            decision = self._cause_wait(key, groups[key], unconfirmed_causes, now)
            if decision.action == Action.HOLD:
                for row in groups[key]:
                    self._hold(row, decision)
            else:
                self._send(key, groups[key], now)
        for row in rows:
            if not row.is_done:
                self._push(row)

    def _decide(
        self, rows: Iterable[_Row], now: datetime
    ) -> tuple[dict[GroupKey, list[_Row]], set[int | None]]:
        """What may be sent, by what belongs together; the causes whose end is not confirmed yet."""
        groups, unconfirmed = defaultdict[GroupKey, list[_Row]](list), set[int | None]()
        for row in rows:
            decision = delivery_decide(self._terms(row, now), now=now)
            key = self._key(row, now)
            if decision.action == Action.SEND:
                groups[key].append(row)
            elif decision.action == Action.DROP:
                self._finish(row)
            elif row.send_at <= now:
                self._hold(row, decision)
            if decision.reason == HeldReason.SECOND_CHECK and row.kind == DeliveryKind.RESOLVED:
                unconfirmed.add(key.cause_id)
        return groups, unconfirmed

    def _candidates(self, now: datetime) -> list[_Row]:
        """What is due, what is planned for the next minute, and what is loosely held."""
        rows, held = dict.fromkeys(self._loosely_held), list[_Row]()
        while self._heap and self._heap[0][0] <= now + GROUPING_WAIT:
            row = self._pop()
            if row is None:
                continue
            if row.send_at > now and row.held_reason and row.held_reason not in _LOOSELY_HELD:
                held.append(row)
            else:
                rows[row] = None
        for row in held:
            self._push(row)
        return sorted(rows, key=lambda row: (row.send_at, row.incident.number))

    def _terms(self, row: _Row, now: datetime) -> DeliveryTerms:
        incident = row.incident
        is_open = incident.is_open(now)
        needs_silences = is_open and row.kind != DeliveryKind.RESOLVED
        return DeliveryTerms(
            kind=row.kind,
            channel_kind=self.channel_kind,
            send_at=row.send_at,
            planned_at=row.planned_at,
            number=row.number,
            is_open=is_open,
            is_acknowledged=incident.is_acknowledged(now),
            is_confirmed=incident.is_confirmed(now),
            silences=self.silences(incident, now) if needs_silences else (),
            quiet_hours=(row.rule.quiet_hours, self.quiet_hours),
        )

    def _key(self, row: _Row, now: datetime) -> GroupKey:
        is_opening = row.kind == DeliveryKind.OPENED
        return group_key(
            channel_id=0,
            channel_kind=self.channel_kind,
            kind=row.kind,
            cause_id=row.incident.cause_at(now) if is_opening else self._told.get(row.incident),
            incident_id=row.incident.number,
        )

    def _hold(self, row: _Row, decision: Decision) -> None:
        assert decision.until is not None  # noqa: S101  of what is held
        row.send_at, row.held_reason = decision.until, decision.reason
        if decision.reason in _LOOSELY_HELD:
            self._loosely_held.add(row)
        else:
            self._loosely_held.discard(row)

    def _cause_wait(
        self, key: GroupKey, rows: list[_Row], unconfirmed: set[int | None], now: datetime
    ) -> Decision:
        if key.cause_id is None or key.kind == DeliveryKind.REMINDER:
            return Decision(Action.SEND)
        planned_at = [row.planned_at for row in rows]
        if key.kind == DeliveryKind.OPENED:
            told_at = self._told_at.get(key.cause_id)
            return cause_opening_wait(planned_at, told_at=told_at, now=now)
        return cause_recovery_wait(
            planned_at,
            others_are_open=bool(self._open_told[key.cause_id]) or key.cause_id in unconfirmed,
            is_unlimited=self.channel_kind == ChannelKind.PAGERDUTY,
            now=now,
        )

    def _send(self, key: GroupKey, rows: list[_Row], now: datetime) -> None:
        self._messages.append(
            RehearsedMessage(now, key.kind, tuple(row.incident for row in rows), key.cause_id)
        )
        for row in rows:
            self._finish(row)
            if key.kind == DeliveryKind.OPENED:
                self._told[row.incident] = key.cause_id
                if key.cause_id is not None:
                    self._told_at[key.cause_id] = now
                    self._open_told[key.cause_id].add(row.incident)
            if key.kind != DeliveryKind.RESOLVED and row.rule.sends_reminders:
                number = row.number + 1
                send_at = now + reminder_gap(number)
                self._add(_Row(row.incident, DeliveryKind.REMINDER, row.rule, send_at, now, number))

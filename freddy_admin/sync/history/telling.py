"""Writes history down: each change once, each run of identical checks once, in one batch.

A `Telling` gathers what the ends of checks (or what a person did) have to tell; `telling_store`
writes it, inside the transaction that stores the rows it speaks of.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from freddy_admin.core import clock
from freddy_admin.sync.history.noticing import Note
from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent, KeySync, Order, Outcome
from freddy_admin.sync.models.orders import OrderKind, OrderState
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey

_BATCH = 500
_FAR_AHEAD = timedelta(days=1)
# These end with the check that ends them, whatever its figures say of the time before.
_ENDED_BY_AN_ANSWER = frozenset(
    {
        "",
        State.UNKNOWN,
        State.NOT_CHECKED,
        State.KEY_UNREADABLE,
        State.KEY_REJECTED,
        State.KEY_NOT_PERMITTED,
    }
)
# Hidden behind an unknown span, these have a beginning of their own that is worth telling.
_HAVE_A_SINCE = frozenset({State.LATE, State.OVERDUE, State.NEVER_SYNCED})


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a span of failing checks, and how many there were."""

    key_id: int
    until: datetime
    count: int

    def end(self, span: HistoryEvent) -> None:
        """Write it into the event that began the span."""
        span.until = max(self.until, span.at)
        span.details = span.details | {"count": self.count}


@dataclass
class Telling:
    """What is to be written, and in which order it was found."""

    events: list[HistoryEvent] = field(default_factory=list)
    runs: list[CheckRun] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    confirmed: list[tuple[int, datetime]] = field(default_factory=list)

    def note(self, row: KeySync, note: Note, *, noticed_at: datetime, actor: str = "") -> None:
        """Tell one thing about a key."""
        self.events.append(
            HistoryEvent(
                organisation_id=row.organisation_id,
                key_id=row.pk,
                kind=note.kind,
                at=note.at,
                noticed_at=noticed_at,
                actor_name=actor[:254],
                details=note.details,
            )
        )

    def close(self, closing: Closing) -> None:
        """End a span of failing checks; it may have begun in what is not stored yet."""
        for event in reversed(self.events):
            failed = event.key_id == closing.key_id and event.kind == EventKind.CHECK_FAILED
            if failed and event.until is None:
                closing.end(event)
                return
        self.closings.append(closing)

    def state(
        self, row: KeySync, after: State, *, at: datetime, now: datetime, **more: Any
    ) -> None:
        """Tell that the state is another one since `at`; never before what was told last."""
        moment = _not_before(row.told_at, at, now)
        details = {"state": [row.told_state, after.value]} | more
        self.note(row, Note(EventKind.HEALTH_CHANGED, moment, details), noticed_at=now)
        row.told_state, row.told_at = after.value, moment


def health_tell(
    telling: Telling, row: KeySync, *, unknown_at: datetime | None, now: datetime
) -> None:
    """Tell what became of the state; `unknown_at` is from when on it was unknown before."""
    unknown_tell(telling, row, unknown_at=unknown_at, now=now)
    aged = row.unknown_at is not None and row.unknown_at < now
    state = State.UNKNOWN if aged else State(row.state)
    if state == row.told_state:
        return
    more: dict[str, Any] = {} if aged else {"rule": row.state_rule}
    if row.told_state not in _ENDED_BY_AN_ANSWER:
        telling.state(row, state, at=min(row.state_since, now), now=now, **more)
        return
    if state in _HAVE_A_SINCE and row.state_since < now:
        more["since"] = f"{row.state_since:%Y-%m-%dT%H:%M:%SZ}"
    telling.state(row, state, at=now, now=now, **more)


def unknown_tell(
    telling: Telling, row: KeySync, *, unknown_at: datetime | None, now: datetime
) -> None:
    """Tell that the state became unknown with time, where nobody was there to see it."""
    silent = row.told_state in {"", State.UNKNOWN, State.PAUSED}
    if not silent and unknown_at is not None and unknown_at < now:
        telling.state(row, State.UNKNOWN, at=unknown_at, now=now)


class Fate(NamedTuple):
    """What happened to a key, and the state it is in from then on; None: no longer watched."""

    what: str
    after: State | None


def key_tell(telling: Telling, row: KeySync, fate: Fate, *, actor: str, now: datetime) -> None:
    """Tell what happened to a key."""
    moment = _not_before(row.told_at, now, now)
    word = fate.after.value if fate.after else ""
    note = Note(EventKind.KEY_CHANGED, moment, {"what": fate.what, "state": [row.told_state, word]})
    telling.note(row, note, noticed_at=now, actor=actor)
    row.told_state, row.told_at = word, moment


def happened_tell(
    *, key: ApiKey, kind: EventKind, details: dict[str, Any], actor: str = ""
) -> None:
    """Tell at once something that changes no state: what a person did, what became of it."""
    now = clock.now()
    HistoryEvent.objects.create(
        organisation_id=key.organisation_id,
        key_id=key.pk,
        kind=kind,
        at=now,
        noticed_at=now,
        actor_name=actor[:254],
        details=details,
    )


def _not_before(told: datetime | None, at: datetime, now: datetime) -> datetime:
    """`at`, held behind what was told last, but for a moment that lies far ahead of now.

    A clock that was years ahead for one check must not stamp all that comes after with its time.
    """
    return max(told, at) if told is not None and told <= now + _FAR_AHEAD else at


def run_end(telling: Telling, row: KeySync, *, until: datetime | None = None) -> None:
    """Write the present run down, as its row still shows it, and close its span of failures.

    `until` is the check that brought something else; without one the span ends with its last.
    """
    last_at = row.checked_at
    if not row.run_mark or row.run_from is None or last_at is None:
        return
    if row.told_error:
        telling.close(Closing(row.pk, until or last_at, row.run_count))
        row.told_error = ""
    last_at = max(row.run_from, last_at)
    telling.runs.append(_run(row, row.run_from, last_at))
    # The next one begins no earlier than this one ended, wherever our clock is set to.
    row.run_mark, row.run_from, row.run_count, row.run_worst_ms = "", last_at, 0, None


def run_advance(row: KeySync, *, mark: str, at: datetime, elapsed_ms: float | None) -> None:
    """One more check in the present run, which begins with it where there is none."""
    if not row.run_mark:
        row.run_mark, row.run_from = mark, _not_before(row.run_from, at, at)
    row.run_count += 1
    known = [ms for ms in (row.run_worst_ms, elapsed_ms) if ms is not None]
    row.run_worst_ms = max(known, default=None)


def telling_store(telling: Telling) -> None:
    """Write everything down; call inside the transaction of what it speaks of."""
    _close(telling.closings)
    HistoryEvent.objects.bulk_create(telling.events, batch_size=_BATCH)
    CheckRun.objects.bulk_create(telling.runs, batch_size=_BATCH)
    for key_id, synced_at in telling.confirmed:
        _confirm(key_id, synced_at)


def _close(closings: Sequence[Closing]) -> None:
    if not closings:
        return
    by_key = {one.key_id: one for one in closings}
    spans = list(
        HistoryEvent.objects.filter(
            key_id__in=list(by_key), kind=EventKind.CHECK_FAILED, until=None
        )
    )
    for span in spans:
        by_key[span.key_id or 0].end(span)
    HistoryEvent.objects.bulk_update(spans, ["until", "details"])


def _confirm(key_id: int, synced_at: datetime) -> None:
    Order.objects.filter(
        key_id=key_id,
        kind=OrderKind.SYNC,
        state__in=(OrderState.DONE, OrderState.UNCLEAR),
        confirmed_sync_at=None,
        requested_at__lt=synced_at + timedelta(seconds=1),
    ).update(confirmed_sync_at=synced_at)


def _run(row: KeySync, first_at: datetime, last_at: datetime) -> CheckRun:
    run = CheckRun(
        organisation_id=row.organisation_id,
        key_id=row.pk,
        key_version=row.key_version,
        first_at=first_at,
        last_at=last_at,
        count=row.run_count,
        worst_ms=row.run_worst_ms,
        outcome=row.outcome,
    )
    names = _FIGURES if row.outcome == Outcome.GOOD else _ERROR
    for name in names:
        setattr(run, name, getattr(row, name))
    return run


_FIGURES = (
    "total_tools",
    "enabled_tools",
    "last_sync_at",
    "next_sync_at",
    "sync_interval_hours",
    "incremental_sync_enabled",
)
_ERROR = ("error_kind", "error_code", "error_http_status")

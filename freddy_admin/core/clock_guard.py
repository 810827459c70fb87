"""May anything be deleted for good? Only while the machine's clock can be believed.

The worker compares it once a minute with the database's clock (PostgreSQL) or with the clock that
counts from the start of the machine (SQLite), and with the moment of the comparison before. A jump
of more than an hour holds all deletion, in every process, until the clocks have agreed for an hour
or a person confirms the time. Whoever deletes asks `deletion_now` and judges by what it returns.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from django.db import connection, transaction

from freddy_admin.core import clock
from freddy_admin.core.models import ClockState

TOLERANCE: Final = clock.AHEAD
AGREED_FOR: Final = timedelta(hours=1)
# Two days of history an hour at most: 46 hours, and what one comparison may add at once.
_PRUNED_PER_HOUR: Final = 46
_COUNTED_AT_ONCE: Final = timedelta(minutes=2)
_ROW: Final = 1
_DATABASE: Final = "database"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Reason(StrEnum):
    """Why deletion is held."""

    DATABASE = "database"  # the machine's clock is apart from the database's
    BOOT = "boot"  # it moved against the clock that counts from the machine's start
    GAP = "gap"  # the last comparison is long ago, or has yet to come


@dataclass(frozen=True, slots=True)
class Hold:
    """Deletion is held; `apart` is how far the clock jumped, `until` when it goes on by itself."""

    reason: Reason
    apart: timedelta
    until: datetime | None  # None while the clocks do not agree


@dataclass(frozen=True, slots=True)
class Reading:
    """The machine's clock, and how many seconds it is from the other one, at one moment."""

    now: datetime
    reference: str
    offset: float


def deletion_now() -> datetime | None:
    """The moment by which to judge what may be deleted; None while nothing may. Changes nothing."""
    now = clock.now()
    return now if _believed(now) else None


def clocks_compare(*, now: datetime, seen: Callable[[], datetime | None]) -> ClockState:
    """Compare the clocks and write down what came of it; returns that row.

    `seen` tells the newest sign of life in the database, for the very first comparison.
    """
    reading = reading_take(now)
    with transaction.atomic():
        state = _locked(lambda: seen() or now)
        if not clock.is_fast():
            _judge(state, reading)
        state.compared_at = now
        state.save()
    return state


def clocks_are_true(state: ClockState) -> bool:
    """Whether, by this comparison, what lies ahead of the machine's clock was stamped wrongly.

    Not where the clocks are apart, nor where this one was set back: then what lies ahead may be
    the truth.
    """
    agree = state.held_since is None or state.agreed_since is not None
    return agree and not clock.is_fast() and not _set_back(state)


def clocks_confirm() -> None:
    """A person says that the machine's clock is right: what it says now is believed."""
    reading = reading_take(clock.now())
    with transaction.atomic():
        state = _locked(clock.now)
        state.reference, state.offset = reading.reference, reading.offset
        state.compared_at, state.held_since, state.agreed_since = reading.now, None, None
        state.save()


def clocks_repaired() -> None:
    """What was written ahead of time has been set right."""
    ClockState.objects.filter(pk=_ROW).update(repair_from=None)


def deletion_hold() -> Hold | None:
    """Why nothing is deleted at this moment; None where it may be, and before the first look."""
    state = ClockState.objects.filter(pk=_ROW).first()
    if state is None or clock.is_fast():
        return None
    return _hold(state, reading_take(clock.now()))


def clocks_disagree() -> bool:
    """Whether what the machine's clock says now cannot be true, or nobody knows."""
    hold = deletion_hold()
    return hold is not None and hold.until is None


def other_now() -> datetime | None:
    """What the other clock says, as far as the machine's was found to agree; None: not known."""
    state = None if clock.is_fast() else ClockState.objects.filter(pk=_ROW).first()
    if state is None:
        return None
    reading = reading_take(clock.now())
    return reading.now - timedelta(seconds=_apart(state, reading))


def clocks_compared_at() -> datetime | None:
    """When the worker compared the clocks last; None: never."""
    return ClockState.objects.filter(pk=_ROW).values_list("compared_at", flat=True).first()


def history_cutoff(
    *, wanted: datetime, now: datetime, oldest: Callable[[], datetime | None]
) -> datetime:
    """Up to where history may go: `wanted`, approached by two days of history an hour at most.

    However long no worker ran, and however many do. It begins with the `oldest` row there is.
    """
    with transaction.atomic():
        state = _locked(clock.now)
        former, at = state.pruned_to, state.pruned_at
        if former is None or at is None:
            former, at = min(wanted, oldest() or wanted), now
        # A clock that was set back moves nothing.
        passed = min(max(now - at, timedelta()), _COUNTED_AT_ONCE)
        state.pruned_to = min(wanted, former + passed * _PRUNED_PER_HOUR)
        state.pruned_at = now
        state.save(update_fields=["pruned_to", "pruned_at"])
        return state.pruned_to


def reading_take(now: datetime) -> Reading:
    """The other clock of this database, read just after the machine's said `now`."""
    if connection.vendor == "postgresql":
        return Reading(now, _DATABASE, (now - database_now()).total_seconds())
    return Reading(now, boot_id(), now.timestamp() - boot_seconds())


def database_now() -> datetime:
    """The clock of PostgreSQL's machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment.astimezone(UTC)


def boot_seconds() -> float:
    """Since the machine started, sleep included; nobody can set it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot_id() -> str:
    """Which start of the machine that is; empty where the machine does not say."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()[:40]
    except OSError:
        return ""


def _believed(now: datetime) -> bool:
    if clock.is_fast():
        return True
    state = ClockState.objects.filter(pk=_ROW).first()
    return state is not None and _hold(state, reading_take(now)) is None


def _locked(compared_at: Callable[[], datetime]) -> ClockState:
    """The row, locked; made where there is none, as if the clocks had agreed at `compared_at`."""
    rows = ClockState.objects.select_for_update()
    state = rows.filter(pk=_ROW).first()
    if state is not None:
        return state
    reading = reading_take(clock.now())
    offset = 0.0 if reading.reference == _DATABASE else reading.offset
    made = {"compared_at": compared_at(), "reference": reading.reference, "offset": offset}
    return rows.get_or_create(pk=_ROW, defaults=made)[0]


def _apart(state: ClockState, reading: Reading) -> float:
    """How many seconds the machine's clock moved against the other one."""
    if reading.reference == _DATABASE:
        # Apart as a person confirmed it, or, once that was mended, not at all.
        return min(reading.offset, reading.offset - state.offset, key=abs)
    if not reading.reference or reading.reference != state.reference:
        return 0.0  # another start of the machine: nothing to compare with
    return reading.offset - state.offset


def _far(seconds: float) -> bool:
    return abs(seconds) > TOLERANCE.total_seconds()


def _hold(state: ClockState, reading: Reading) -> Hold | None:
    apart, gap = _apart(state, reading), (reading.now - state.compared_at).total_seconds()
    if _far(apart):
        return Hold(_reason(reading), timedelta(seconds=apart), until=None)
    if _far(gap):
        return Hold(Reason.GAP, timedelta(seconds=gap), until=reading.now + AGREED_FOR)
    if state.held_since is None:
        return None
    since = state.agreed_since or reading.now
    return Hold(Reason(state.reason), timedelta(seconds=state.apart), until=since + AGREED_FOR)


def _reason(reading: Reading) -> Reason:
    return Reason.DATABASE if reading.reference == _DATABASE else Reason.BOOT


def _judge(state: ClockState, reading: Reading) -> None:
    now, apart = reading.now, _apart(state, reading)
    gap = (now - state.compared_at).total_seconds()
    if _far(gap):
        _note_leap(state, now, gap=gap)
    if _far(apart) or _far(gap):
        fresh = state.held_since is None or state.held_since > now
        state.held_since = now if fresh else state.held_since
        state.agreed_since = None if _far(apart) else now
        state.reason = _reason(reading) if _far(apart) else Reason.GAP
        state.apart = apart if _far(apart) else gap
    elif state.held_since is not None:
        state.agreed_since = state.agreed_since or now
        if now - state.agreed_since >= AGREED_FOR:
            state.held_since = state.agreed_since = None
    if not _far(apart):
        _agree(state, reading)


def _agree(state: ClockState, reading: Reading) -> None:
    """A step of less than an hour is no jump: the next one is counted from here.

    A clock that is back from where it was ahead has stamped what is to be set right.
    """
    if not _set_back(state) and state.ahead_from is not None and reading.now < state.ahead_from:
        state.repair_from, state.ahead_from, state.ahead_by = state.ahead_from, None, 0.0
    if reading.reference != _DATABASE:
        state.reference, state.offset = reading.reference, reading.offset
    elif not _far(reading.offset):
        state.offset = 0.0


def _set_back(state: ClockState) -> bool:
    return state.ahead_by < -TOLERANCE.total_seconds()


def _note_leap(state: ClockState, now: datetime, *, gap: float) -> None:
    """Remember how far the clock leapt, and from when on it stamped what is ahead of time.

    A clock that goes back without having been ahead makes nothing wrong that was written before.
    """
    if gap > 0 and state.held_since is None:
        state.ahead_by, state.ahead_from = gap, now - TOLERANCE
        return
    state.ahead_by += gap
    if _set_back(state):
        if state.held_since is None:
            state.ahead_from = None
    elif state.ahead_from is None:
        state.ahead_from = now - TOLERANCE if _far(state.ahead_by) else None

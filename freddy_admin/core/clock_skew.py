"""Nothing is deleted for good unless the machine's clock can be trusted.

The worker compares it once a minute with a reference clock, and with the moment of the comparison
before. The reference is the database's clock (PostgreSQL), or the one that counts from the start
of the machine (SQLite). A jump of more than an hour holds all deletion, in every process, until the
clocks have agreed for an hour or a person confirms the time. Whoever deletes calls `trusted_now`
and judges by what it returns.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from django.db import connection, transaction

from freddy_admin.core import clock
from freddy_admin.core.models import ClockState

SKEW_TOLERANCE: Final = clock.FUTURE_TOLERANCE
AGREEMENT_REQUIRED: Final = timedelta(hours=1)
# At most two days of history an hour: 46 hours, and what one run may add at once.
_PRUNE_HOURS_PER_HOUR: Final = 46
_MAX_ELAPSED_PER_RUN: Final = timedelta(minutes=2)
_STATE_PK: Final = 1
_DATABASE_REFERENCE: Final = "database"
_BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
_is_trust_overridden = False


class DeletionHoldReason(StrEnum):
    """Why deletion is held."""

    DATABASE = "database"  # the machine's clock is skewed against the database's
    BOOT = "boot"  # it is skewed against the clock that counts from the machine's start
    GAP = "gap"  # the last comparison is long ago, or has yet to come


@dataclass(frozen=True, slots=True)
class DeletionHold:
    """Why deletion is held, how far the clock is off, and when deletion resumes by itself."""

    reason: DeletionHoldReason
    skew: timedelta
    until: datetime | None  # None while the clocks do not agree


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The machine's clock, and how many seconds it is ahead of the reference, at one moment."""

    now: datetime
    reference: str
    offset: float


def trusted_now() -> datetime | None:
    """The moment by which to judge what may be deleted; None while deletion is held. Only reads."""
    now = clock.now()
    return now if _is_clock_trusted(now) else None


@contextmanager
def override_clock_trust() -> Iterator[None]:
    """Inside the block the machine's clock is trusted, as a test needs that moves it by days."""
    global _is_trust_overridden
    _is_trust_overridden = True
    try:
        yield
    finally:
        _is_trust_overridden = False


def clock_comparison_record(
    *, now: datetime, get_last_seen_at: Callable[[], datetime | None]
) -> ClockState:
    """Compare the machine's clock with its reference and save the result; returns that row.

    `get_last_seen_at` returns the newest heartbeat in the database, for the very first comparison.
    """
    reading = clock_reading_get(now)
    with transaction.atomic():
        state = _get_or_create_locked_state(lambda: get_last_seen_at() or now)
        if not clock.is_accelerated():
            _update_deletion_hold(state, reading)
        state.compared_at = now
        state.save()
    return state


def are_future_timestamps_wrong(state: ClockState) -> bool:
    """Whether timestamps ahead of the machine's clock are wrong, by the comparison in `state`.

    False where the clocks disagree or the machine's was set back: such timestamps may be right.
    """
    is_agreed = state.held_since is None or state.agreed_since is not None
    return is_agreed and not clock.is_accelerated() and not _is_set_back(state)


def machine_clock_confirmation_record() -> None:
    """Trust the machine's clock as it is now, because a person says that it is right."""
    reading = clock_reading_get(clock.now())
    with transaction.atomic():
        state = _get_or_create_locked_state(clock.now)
        state.reference, state.offset = reading.reference, reading.offset
        state.compared_at, state.held_since, state.agreed_since = reading.now, None, None
        state.save()


def timestamp_repair_finish() -> None:
    """Record that the timestamps which were ahead of time have been repaired."""
    ClockState.objects.filter(pk=_STATE_PK).update(repair_from=None)


def deletion_hold_get() -> DeletionHold | None:
    """Why deletion is held at this moment; None where it is not, and before any comparison."""
    state = ClockState.objects.filter(pk=_STATE_PK).first()
    if state is None or clock.is_accelerated():
        return None
    return _deletion_hold_from_state(state, clock_reading_get(clock.now()))


def has_clock_skew() -> bool:
    """Whether the machine's clock is off now, so that deletion has no moment to resume."""
    hold = deletion_hold_get()
    return hold is not None and hold.until is None


def reference_now_less_tolerance() -> datetime | None:
    """What the reference clock says, less the difference that is accepted; None: not known."""
    state = None if clock.is_accelerated() else ClockState.objects.filter(pk=_STATE_PK).first()
    if state is None:
        return None
    reading = clock_reading_get(clock.now())
    return reading.now - timedelta(seconds=_skew_seconds(state, reading))


def clocks_compared_at() -> datetime | None:
    """When the worker compared the clocks last; None: never."""
    return ClockState.objects.filter(pk=_STATE_PK).values_list("compared_at", flat=True).first()


def history_prune_cutoff_advance(
    *, target: datetime, now: datetime, get_oldest: Callable[[], datetime | None]
) -> datetime:
    """The moment before which history may be pruned, which nears `target` by two days an hour.

    It moves no faster however long no worker ran and however many run. It starts at the oldest
    row's moment, which `get_oldest` returns.
    """
    with transaction.atomic():
        state = _get_or_create_locked_state(clock.now)
        cutoff, advanced_at = state.history_pruned_to, state.history_pruned_at
        if cutoff is None or advanced_at is None:
            cutoff, advanced_at = min(target, get_oldest() or target), now
        # A clock that was set back moves nothing.
        elapsed = min(max(now - advanced_at, timedelta()), _MAX_ELAPSED_PER_RUN)
        state.history_pruned_to = min(target, cutoff + elapsed * _PRUNE_HOURS_PER_HOUR)
        state.history_pruned_at = now
        state.save(update_fields=["history_pruned_to", "history_pruned_at"])
        return state.history_pruned_to


def history_pruned_to() -> datetime | None:
    """The moment before which history was pruned; None where none was yet, or clocks disagree."""
    if trusted_now() is None:
        return None
    return ClockState.objects.values_list("history_pruned_to", flat=True).first()


def clock_reading_get(now: datetime) -> ClockReading:
    """The reference clock of this database, read just after the machine's clock said `now`."""
    if connection.vendor == "postgresql":
        return ClockReading(now, _DATABASE_REFERENCE, (now - database_now()).total_seconds())
    return ClockReading(now, boot_id(), now.timestamp() - seconds_since_boot())


def database_now() -> datetime:
    """The current moment by the clock of PostgreSQL's machine, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment.astimezone(UTC)


def seconds_since_boot() -> float:
    """Seconds since the machine started, sleep included; nobody can set this clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot_id() -> str:
    """The id of this start of the machine, at most 40 characters; empty where there is none."""
    try:
        return _BOOT_ID_FILE.read_text(encoding="ascii").strip()[:40]
    except OSError:
        return ""


def _is_clock_trusted(now: datetime) -> bool:
    if clock.is_accelerated() or _is_trust_overridden:
        return True
    state = ClockState.objects.filter(pk=_STATE_PK).first()
    return state is not None and _deletion_hold_from_state(state, clock_reading_get(now)) is None


def _get_or_create_locked_state(compared_at: Callable[[], datetime]) -> ClockState:
    """The row, locked; created where missing, as if the clocks had agreed at `compared_at`."""
    rows = ClockState.objects.select_for_update()
    state = rows.filter(pk=_STATE_PK).first()
    if state is not None:
        return state
    reading = clock_reading_get(clock.now())
    offset = 0.0 if reading.reference == _DATABASE_REFERENCE else reading.offset
    defaults = {"compared_at": compared_at(), "reference": reading.reference, "offset": offset}
    return rows.get_or_create(pk=_STATE_PK, defaults=defaults)[0]


def _skew_seconds(state: ClockState, reading: ClockReading) -> float:
    """How many seconds the machine's clock moved against the reference clock."""
    if reading.reference == _DATABASE_REFERENCE:
        # Skewed as a person confirmed it, or, once that was corrected, not at all.
        return min(reading.offset, reading.offset - state.offset, key=abs)
    if not reading.reference or reading.reference != state.reference:
        return 0.0  # another start of the machine: nothing to compare with
    return reading.offset - state.offset


def _exceeds_skew_tolerance(seconds: float) -> bool:
    return abs(seconds) > SKEW_TOLERANCE.total_seconds()


def _deletion_hold_from_state(state: ClockState, reading: ClockReading) -> DeletionHold | None:
    skew, gap = _skew_seconds(state, reading), (reading.now - state.compared_at).total_seconds()
    if _exceeds_skew_tolerance(skew):
        return DeletionHold(_skew_reason(reading), timedelta(seconds=skew), until=None)
    if _exceeds_skew_tolerance(gap):
        return DeletionHold(
            DeletionHoldReason.GAP, timedelta(seconds=gap), until=reading.now + AGREEMENT_REQUIRED
        )
    if state.held_since is None:
        return None
    since = state.agreed_since or reading.now
    return DeletionHold(
        DeletionHoldReason(state.reason),
        timedelta(seconds=state.skew_seconds),
        until=since + AGREEMENT_REQUIRED,
    )


def _skew_reason(reading: ClockReading) -> DeletionHoldReason:
    return (
        DeletionHoldReason.DATABASE
        if reading.reference == _DATABASE_REFERENCE
        else DeletionHoldReason.BOOT
    )


def _update_deletion_hold(state: ClockState, reading: ClockReading) -> None:
    now, skew = reading.now, _skew_seconds(state, reading)
    gap = (now - state.compared_at).total_seconds()
    if _exceeds_skew_tolerance(gap):
        _record_jump(state, now, gap=gap)
    if _exceeds_skew_tolerance(skew) or _exceeds_skew_tolerance(gap):
        is_new_hold = state.held_since is None or state.held_since > now
        state.held_since = now if is_new_hold else state.held_since
        state.agreed_since = None if _exceeds_skew_tolerance(skew) else now
        state.reason = (
            _skew_reason(reading) if _exceeds_skew_tolerance(skew) else DeletionHoldReason.GAP
        )
        state.skew_seconds = skew if _exceeds_skew_tolerance(skew) else gap
    elif state.held_since is not None:
        state.agreed_since = state.agreed_since or now
        if now - state.agreed_since >= AGREEMENT_REQUIRED:
            state.held_since = state.agreed_since = None
    if not _exceeds_skew_tolerance(skew):
        _record_clock_agreement(state, reading)


def _record_clock_agreement(state: ClockState, reading: ClockReading) -> None:
    """Count the next step from here, since one of less than an hour is no jump.

    A clock that is back from where it was ahead has written timestamps that must be repaired.
    """
    if (
        not _is_set_back(state)
        and state.future_from is not None
        and reading.now < state.future_from
    ):
        state.repair_from, state.future_from, state.jump_seconds = state.future_from, None, 0.0
    if reading.reference != _DATABASE_REFERENCE:
        state.reference, state.offset = reading.reference, reading.offset
    elif not _exceeds_skew_tolerance(reading.offset):
        state.offset = 0.0


def _is_set_back(state: ClockState) -> bool:
    return state.jump_seconds < -SKEW_TOLERANCE.total_seconds()


def _record_jump(state: ClockState, now: datetime, *, gap: float) -> None:
    """Record how far the clock jumped, and from when on it wrote timestamps ahead of time.

    A clock that goes back without having been ahead makes no former timestamp wrong.
    """
    if gap > 0 and state.held_since is None:
        state.jump_seconds, state.future_from = gap, now - SKEW_TOLERANCE
        return
    state.jump_seconds += gap
    if _is_set_back(state):
        if state.held_since is None:
            state.future_from = None
    elif state.future_from is None:
        state.future_from = (
            now - SKEW_TOLERANCE if _exceeds_skew_tolerance(state.jump_seconds) else None
        )


_REFERENCE_REFRESH_SECONDS: Final = 60.0  # real seconds
_reference_lock = threading.Lock()
_cached_reference: tuple[float, datetime | None] | None = None


def later_clock_now() -> datetime:
    """The later of the two clocks' moments, where they are more than an hour apart."""
    return clock.now() + machine_clock_lag()


def machine_clock_lag() -> timedelta:
    """How far the machine's clock is behind the reference clock; zero where it is under an hour."""
    now, reference = clock.now(), _cached_reference_now(time.monotonic())
    if reference is None or reference - now <= SKEW_TOLERANCE or clock.is_accelerated():
        return timedelta()
    return reference - now


def reference_clock_cache_clear() -> None:
    """Read the reference clock anew at its next use, as a process does that has just started."""
    global _cached_reference
    _cached_reference = None


def _cached_reference_now(monotonic: float) -> datetime | None:
    global _cached_reference
    with _reference_lock:
        if (
            _cached_reference is None
            or monotonic - _cached_reference[0] >= _REFERENCE_REFRESH_SECONDS
        ):
            _cached_reference = monotonic, reference_now_less_tolerance()
        read_at, moment = _cached_reference
    return moment + timedelta(seconds=monotonic - read_at) if moment else None

"""What the outbox sends: kinds that rooms above register, and how a sending fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

# The last one repeats until a message is given up.
RETRY_DELAYS: Final = tuple(timedelta(seconds=n) for n in (30, 60, 120, 240, 480, 960, 1800))
INTERNAL_FAILURE: Final = "internal"  # the panel's own fault, not the receiver's

Send = Callable[[], object]


class NothingToSend(Exception):
    """Raised by `OutboxKind.prepare`: what the message was about is over; it is deleted."""


class NotYet(Exception):
    """Raised by `OutboxKind.prepare`: the message is to wait until then; no attempt is counted."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class NotSent(Exception):
    """Raised by a sending that failed for a known `reason`; a permanent one is given up at once.

    `retry_after` is how long the other side asked to be left alone. `may_have_arrived` says that
    the message went out and its answer did not come.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_permanent: bool = False,
        retry_after: timedelta | None = None,
        may_have_arrived: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason, self.is_permanent, self.retry_after = reason, is_permanent, retry_after
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True, slots=True)
class SendFailure:
    """A failed attempt, for `OutboxKind.record_failure`."""

    at: datetime
    error: NotSent  # of the reason INTERNAL_FAILURE where it was any other error
    next_attempt_at: datetime | None  # None: given up

    @property
    def is_given_up(self) -> bool:
        """Whether no attempt follows."""
        return self.next_attempt_at is None


@dataclass(frozen=True, slots=True)
class OutboxKind:
    """How messages of one kind are sent.

    `prepare` takes the object's id, in a transaction that is committed before the first byte goes
    out, and returns the function that sends; it raises NothingToSend or NotYet. `record_sent` takes
    the id and what that function returned, in the transaction that deletes the row;
    `record_failure` the id and the failure, in the transaction that stores it. `discard` deletes in
    bulk what has no receiver. All four lock their object before the row of the outbox. A message is
    sent within `lifetime` or never, after each failure again in the next of `retry_delays`, and
    given up once it has failed for longer than `gives_up_after`.
    """

    name: str
    lane: str  # unless `outbox_enqueue` names another
    lifetime: timedelta
    gives_up_after: timedelta
    prepare: Callable[[int], Send]
    record_sent: Callable[[int, Any], object]
    discard: Callable[[], object] | None = None
    record_failure: Callable[[int, SendFailure], object] | None = None
    retry_delays: tuple[timedelta, ...] = RETRY_DELAYS

    def retry_delay(self, attempts: int) -> timedelta:
        """The longest wait after so many attempts, from 1."""
        return self.retry_delays[min(max(attempts, 1), len(self.retry_delays)) - 1]


_kinds: dict[str, OutboxKind] = {}


def outbox_kind_register(kind: OutboxKind) -> None:
    """Make a kind known to this process; once, when Django starts."""
    _kinds[kind.name] = kind


def outbox_kinds() -> dict[str, OutboxKind]:
    """The registered kinds by name."""
    return _kinds


@contextmanager
def override_outbox_kinds(*, beside_registered: bool = False) -> Iterator[None]:
    """Inside the block what is registered there counts, alone or beside the rest; for tests."""
    registered = _kinds.copy()
    if not beside_registered:
        _kinds.clear()
    try:
        yield
    finally:
        _kinds.clear()
        _kinds.update(registered)


def outbox_lanes() -> list[str]:
    """The lanes that registered kinds have by themselves, by name."""
    return sorted({kind.lane for kind in _kinds.values()})

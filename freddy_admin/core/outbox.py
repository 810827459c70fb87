"""The outbox: messages written in the transaction of the change they tell of, and sent later.

A row holds a kind and the id of the row it is about. Address, text and link are made when it is
sent, so that a copied or restored database sends no secret. A lane (mail, for example) is drained
by itself: a server that hangs holds up its own lane alone. A failed message is tried again after
growing gaps, until it is given up with a reason that people see.

A message is sent under a lease. A process that is killed between sending and storing sends once
more; none is lost. Rooms above register what they send in their `AppConfig.ready`.
"""

import logging
import random
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.transaction import TransactionManagementError

from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import (
    Lease,
    held_row_lock,
    lease_values,
    leased_rows_list,
    leases_acquire,
)
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.core.tasks import outbox_queue, wake

log = logging.getLogger(__name__)

DRAIN_LIMIT: Final = 20
# Real seconds, longer than any sending lasts: its transport has shorter limits of its own.
LEASE_SECONDS: Final = 120.0
SHORTEST_SENDING_SECONDS: Final = 1.0
FIRST_RETRY_DELAY: Final = timedelta(seconds=30)
LONGEST_RETRY_DELAY: Final = timedelta(minutes=30)
# A message that was given up is shown so long, unless it is asked for again or withdrawn.
GIVEN_UP_RETENTION: Final = timedelta(days=7)
LATE_AFTER: Final = timedelta(minutes=10)
INTERNAL_FAILURE: Final = "internal"  # the panel's own fault, not the receiver's

Send = Callable[[], object]


class NothingToSend(Exception):
    """Raised by `OutboxKind.prepare`: what the message was about is over; it is deleted."""


class NotSent(Exception):
    """Raised by a sending that failed for a known `reason`; a permanent one is given up at once."""

    def __init__(self, reason: str, *, is_permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.is_permanent = reason, is_permanent


@dataclass(frozen=True, slots=True)
class OutboxKind:
    """How messages of one kind are sent.

    `prepare` takes the object's id, in a transaction, and returns the function that sends; it
    raises NothingToSend. `record_sent` takes the id, in the transaction that deletes the row.
    `discard` deletes in bulk what has no receiver. All three lock their object before the row of
    the outbox. A message is sent within `lifetime` or never, and given up once it has failed for
    longer than `gives_up_after`.
    """

    name: str
    lane: str
    lifetime: timedelta
    gives_up_after: timedelta
    prepare: Callable[[int], Send]
    record_sent: Callable[[int], object]
    discard: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim(Lease):
    """A message under a lease."""

    kind: OutboxKind
    object_id: int

    def held_row(self) -> QuerySet[OutboxMessage]:
        """The row; none once the message was asked for again, withdrawn, or claimed by another."""
        return OutboxMessage.objects.filter(pk=self.row_id, lease_token=self.token)


_kinds: dict[str, OutboxKind] = {}


def outbox_kind_register(kind: OutboxKind) -> None:
    """Make a kind known to this process; once, when Django starts."""
    _kinds[kind.name] = kind


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
    """The lanes of the registered kinds, by name."""
    return sorted({kind.lane for kind in _kinds.values()})


def outbox_enqueue(*, kind: str, object_id: int, party: str = "") -> None:
    """Ask for a message about this object; call in the transaction of the change, near its end.

    One statement, whether or not there was a message about it. One that is being sent at this
    moment is sent again. Messages of each `party`, an organisation say, are sent in turn.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("A message is written in the transaction of its change.")
    now = clock.now()
    values = {
        "lane": _kinds[kind].lane,
        "party": party,
        "requested_at": now,
        "next_attempt_at": now,
        "attempts": 0,
        "failing_since": None,
        "given_up_at": None,
        "reason": "",
        "lease_token": "",
        "lease_until": None,
    }
    OutboxMessage.objects.bulk_create(
        [OutboxMessage(kind=kind, object_id=object_id, **values)],
        update_conflicts=True,
        unique_fields=["kind", "object_id"],
        update_fields=list(values),
    )
    wake(outbox_queue(_kinds[kind].lane))


def outbox_cancel(*, kind: str, object_ids: Collection[int]) -> None:
    """Delete the messages about these objects; one that is being sent counts as not sent."""
    OutboxMessage.objects.filter(kind=kind, object_id__in=object_ids).delete()


def outbox_messages_by_object(
    *, kind: str, object_ids: Collection[int]
) -> dict[int, OutboxMessage]:
    """The messages about these objects that are not sent, by the object's id; one query."""
    rows = OutboxMessage.objects.filter(kind=kind, object_id__in=object_ids) if object_ids else ()
    return {row.object_id: row for row in rows}


def outbox_drain(
    *, lane: str, limit: int = DRAIN_LIMIT, is_stopping: Callable[[], bool] = lambda: False
) -> int:
    """Send up to `limit` messages of a lane that are due, one by one; returns how many were sent.

    Of each party in turn: who had the fewest of this drain is next. May run in any number of
    processes. With nothing due it is one statement. Begins no further message once `is_stopping`
    returns True, and none where the database may be a copy: the panel itself sends them.
    """
    if not outbox_due_messages(lane).exists() or panel_copied_from():
        return 0
    _discard_messages(lane)
    sent_count, tried_ids, shares = 0, list[int](), Shares("party", limit=limit)
    while len(tried_ids) < limit and not is_stopping():
        rows = outbox_due_messages(lane).exclude(pk__in=tried_ids)
        for pk, parties in shares.pick(rows.order_by("next_attempt_at", "pk"), limit=1).items():
            tried_ids.append(pk)
            shares.hold(parties)
            sent_count += _deliver(lane, pk)
            break
        else:
            break
    return sent_count


@dataclass(frozen=True, slots=True)
class LaneState:
    """What is in one lane."""

    lane: str
    waiting: int
    waiting_since: datetime | None  # since when the oldest of them is asked for
    failing_since: datetime | None  # since when the one of them fails that fails longest
    failing_reason: str
    given_up: dict[str, int]  # by reason, in the last `GIVEN_UP_RETENTION`

    def is_late(self, now: datetime) -> bool:
        """Whether a message has waited for so long that somebody should look into it."""
        return self.waiting_since is not None and now - self.waiting_since > LATE_AFTER


def outbox_lane_state(lane: str) -> LaneState:
    """The state of one lane; one query."""
    is_waiting = Q(given_up_at=None)
    rows = (
        OutboxMessage.objects.filter(lane=lane)
        .values("reason")
        .annotate(
            waiting=Count("pk", filter=is_waiting),
            waiting_since=Min("requested_at", filter=is_waiting),
            failing_since=Min("failing_since", filter=is_waiting),
            given_up=Count("pk", filter=~is_waiting),
        )
        .order_by("reason")
    )
    failing = min(
        ((row["failing_since"], row["reason"]) for row in rows if row["failing_since"]),
        default=(None, ""),
    )
    return LaneState(
        lane=lane,
        waiting=sum(row["waiting"] for row in rows),
        waiting_since=min((row["waiting_since"] for row in rows if row["waiting"]), default=None),
        failing_since=failing[0],
        failing_reason=failing[1],
        given_up={row["reason"]: row["given_up"] for row in rows if row["given_up"]},
    )


def outbox_prune() -> int:
    """Delete messages that nobody waits for any more; returns how many.

    Those past their lifetime that were never given up, and those given up a week ago. Deletes
    none while the clocks disagree.
    """
    now = trusted_now()
    if now is None:
        return 0
    is_over = Q(given_up_at__lt=now - GIVEN_UP_RETENTION)
    for kind in _kinds.values():
        is_over |= Q(kind=kind.name, given_up_at=None, requested_at__lt=now - kind.lifetime)
    return OutboxMessage.objects.filter(is_over).delete()[0]


def outbox_retry_delay(attempts: int) -> timedelta:
    """The longest wait after so many attempts: half a minute, then 1, 2, 4 … 30 minutes."""
    return min(LONGEST_RETRY_DELAY, FIRST_RETRY_DELAY * (1 << min(attempts - 1, 10)))


def outbox_due_messages(lane: str) -> QuerySet[OutboxMessage]:
    """The messages of a lane whose next attempt is due."""
    now = clock.now()
    is_alive = Q()
    for kind in _kinds.values():
        if kind.lane == lane:
            is_alive |= Q(kind=kind.name, requested_at__gte=now - kind.lifetime)
    return OutboxMessage.objects.filter(is_alive, lane=lane, next_attempt_at__lte=now)


def _discard_messages(lane: str) -> None:
    for kind in _kinds.values():
        if kind.lane == lane and kind.discard is not None:
            try:
                kind.discard()
            except Exception as error:  # noqa: BLE001  one kind holds up no other
                log.warning(
                    "Messages (%s) were not discarded: %s.", kind.name, type(error).__name__
                )


def _deliver(lane: str, pk: int) -> bool:
    claim = _message_claim(lane, pk)
    if claim is None:
        return False
    try:
        send = _message_prepare(claim)
        if send is None or not claim.deadline.covers(SHORTEST_SENDING_SECONDS):
            return False
        send()
    except Exception as error:  # noqa: BLE001  any error: the message is tried again or given up
        _failure_record(claim, error)
        return False
    return _sent_record(claim)


def _message_claim(lane: str, pk: int) -> _Claim | None:
    """A lease on the message, its next attempt postponed; None if another has it."""
    now = clock.now()
    leases = leases_acquire(
        outbox_due_messages(lane).filter(pk=pk),
        limit=1,
        now=now,
        duration=clock.real_seconds_to_panel_duration(LEASE_SECONDS),
        attempts=F("attempts") + 1,
    )
    for lease, row in leased_rows_list(OutboxMessage.objects.all(), leases):
        claim = _Claim(**lease_values(lease), kind=_kinds[row.kind], object_id=row.object_id)
        # Should this process be killed, the gaps grow all the same.
        claim.held_row().update(next_attempt_at=now + _jittered(outbox_retry_delay(row.attempts)))
        return claim
    return None


@transaction.atomic
def _message_prepare(claim: _Claim) -> Send | None:
    """What sends the message; None if there is nothing to send, or another holds the lease."""
    try:
        send = claim.kind.prepare(claim.object_id)
    except NothingToSend:
        claim.held_row().delete()
        return None
    if not claim.held_row().exists():
        # What `prepare` wrote must not replace what the present holder has sent.
        transaction.set_rollback(True)
        return None
    return send


@transaction.atomic
def _sent_record(claim: _Claim) -> bool:
    claim.kind.record_sent(claim.object_id)
    deleted_count, _by_model = claim.held_row().delete()
    if not deleted_count:
        # Asked for again or withdrawn while it was being sent: what was recorded is not true.
        transaction.set_rollback(True)
    return bool(deleted_count)


@transaction.atomic
def _failure_record(claim: _Claim, error: Exception) -> None:
    row = held_row_lock(OutboxMessage.objects.filter(pk=claim.row_id), token=claim.token)
    if row is None:
        return
    now = clock.now()
    row.failing_since = row.failing_since or now
    row.reason = error.reason if isinstance(error, NotSent) else INTERNAL_FAILURE
    row.lease_token, row.lease_until = "", None
    row.next_attempt_at = now + _jittered(outbox_retry_delay(row.attempts))
    last_attempt_at = min(
        row.failing_since + claim.kind.gives_up_after, row.requested_at + claim.kind.lifetime
    )
    is_permanent = isinstance(error, NotSent) and error.is_permanent
    if is_permanent or row.next_attempt_at > last_attempt_at:
        row.given_up_at, row.next_attempt_at = now, None
    row.save()
    # The error's text may name the person or the server.
    log.warning(
        "A message (%s) was not sent (%s, %s); %s.",
        row.kind,
        row.reason,
        type(error.__cause__ or error).__name__,
        "it is given up" if row.given_up_at else "it is tried again",
    )


def _jittered(delay: timedelta) -> timedelta:
    return delay * random.uniform(0.75, 1.0)  # noqa: S311  spreads load, no secret

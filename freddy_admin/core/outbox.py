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
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.transaction import TransactionManagementError

from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.compiled_queries import Moment
from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import (
    Lease,
    free_rows,
    lease_values,
    leased_rows_list,
    leases_acquire,
)
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox_kinds import (
    INTERNAL_FAILURE,
    NothingToSend,
    NotSent,
    NotYet,
    OutboxKind,
    Send,
    SendFailure,
    outbox_kind_register,
    outbox_kinds,
    outbox_lanes,
    override_outbox_kinds,
)
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.core.tasks import OUTBOX_QUEUE, wake

__all__ = [
    "INTERNAL_FAILURE",
    "NotSent",
    "NotYet",
    "NothingToSend",
    "OutboxKind",
    "Send",
    "SendFailure",
    "outbox_kind_register",
    "outbox_lanes",
    "override_outbox_kinds",
]

log = logging.getLogger(__name__)

DRAIN_LIMIT: Final = 20
# Real seconds, longer than any sending lasts: its transport has shorter limits of its own.
LEASE_SECONDS: Final = 120.0
SHORTEST_SENDING_SECONDS: Final = 1.0
LONGEST_RETRY_AFTER: Final = timedelta(hours=24)  # whatever the other side asks for
# A message that was given up is shown so long, unless it is asked for again or withdrawn.
GIVEN_UP_RETENTION: Final = timedelta(days=7)
_RETRY_LIMIT: Final = 500
LATE_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim(Lease):
    """A message under a lease."""

    kind: OutboxKind
    object_id: int

    def held_row(self) -> QuerySet[OutboxMessage]:
        """The row; none once the message was asked for again, withdrawn, or claimed by another."""
        return OutboxMessage.objects.filter(pk=self.row_id, lease_token=self.token)


def outbox_enqueue(*, kind: str, object_id: int, party: str = "", lane: str = "") -> None:
    """Ask for a message about this object; call in the transaction of the change, near its end.

    One statement, whether or not there was a message about it. One that is being sent at this
    moment is sent again. Messages of each `party`, an organisation say, are sent in turn. A `lane`
    of one's own needs no other word: it is there while messages are in it.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("A message is written in the transaction of its change.")
    now = clock.now()
    values = {
        "lane": lane or outbox_kinds()[kind].lane,
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
    wake(OUTBOX_QUEUE)


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
    for kind in outbox_kinds().values():
        is_over |= Q(kind=kind.name, given_up_at=None, requested_at__lt=now - kind.lifetime)
    return OutboxMessage.objects.filter(is_over).delete()[0]


def outbox_due_messages(lane: str = "", *, now: Moment | None = None) -> QuerySet[OutboxMessage]:
    """The messages whose next attempt is due and that nobody sends at present, of a lane or all."""
    now = clock.now() if now is None else now
    is_alive = Q(pk__in=())  # of kinds that this process does not know, none
    for kind in outbox_kinds().values():
        is_alive |= Q(kind=kind.name, requested_at__gte=now - kind.lifetime)
    duration = clock.real_seconds_to_panel_duration(LEASE_SECONDS)
    rows = OutboxMessage.objects.filter(is_alive, next_attempt_at__lte=now)
    return free_rows(rows.filter(lane=lane) if lane else rows, now=now, duration=duration)


@dataclass(frozen=True, slots=True)
class DueLane:
    """A lane with a message that is due."""

    name: str
    is_failing: bool  # each that is due has failed before


def outbox_due_lanes(*, except_lanes: Collection[str] = (), limit: int) -> list[DueLane]:
    """The lanes with messages that are due, who waits longest first; one statement for all."""
    rows = outbox_due_messages().exclude(lane__in=except_lanes).order_by().values("lane")
    lanes = rows.annotate(
        since=Min("next_attempt_at"), total=Count("pk"), failing=Count("failing_since")
    ).order_by("since", "lane")[:limit]
    return [DueLane(row["lane"], row["failing"] == row["total"]) for row in lanes]


def outbox_lane_retry_now(lane: str, *, failing_since: datetime | None = None) -> None:
    """Make due at once what waits in a lane without having failed: something else let it wait.

    With `failing_since` also what began to fail then or later: its receiver answers again.
    """
    now = clock.now()
    is_meant = Q(failing_since=None)
    if failing_since is not None:
        is_meant |= Q(failing_since__gte=failing_since)
    rows = OutboxMessage.objects.filter(
        is_meant, lane=lane, next_attempt_at__gt=now, lease_until=None
    )
    with transaction.atomic():
        free = rows.order_by("pk").select_for_update(skip_locked=True, no_key=True)
        ids = list(free.values_list("pk", flat=True)[:_RETRY_LIMIT])
        OutboxMessage.objects.filter(pk__in=ids).update(next_attempt_at=now)


def _discard_messages(lane: str) -> None:
    for kind in outbox_kinds().values():
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
        answer = send()
    except NotYet as wait:
        _message_postpone(claim, wait.until)
        return False
    except Exception as error:  # noqa: BLE001  any error: the message is tried again or given up
        _failure_record(claim, error)
        return False
    return _sent_record(claim, answer)


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
        kind = outbox_kinds()[row.kind]
        claim = _Claim(**lease_values(lease), kind=kind, object_id=row.object_id)
        # Should this process be killed, the gaps grow all the same.
        claim.held_row().update(next_attempt_at=now + _jittered(kind.retry_delay(row.attempts)))
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


def _message_postpone(claim: _Claim, until: datetime) -> None:
    claim.held_row().update(
        attempts=F("attempts") - 1, next_attempt_at=until, lease_token="", lease_until=None
    )


@transaction.atomic
def _sent_record(claim: _Claim, answer: object) -> bool:
    claim.kind.record_sent(claim.object_id, answer)
    deleted_count, _by_model = claim.held_row().delete()
    if not deleted_count:
        # Asked for again or withdrawn while it was being sent: what was recorded is not true.
        transaction.set_rollback(True)
    return bool(deleted_count)


@transaction.atomic
def _failure_record(claim: _Claim, error: Exception) -> None:
    row = claim.held_row().first()
    if row is None:
        return
    now = clock.now()
    known = error if isinstance(error, NotSent) else NotSent(INTERNAL_FAILURE)
    failing_since = row.failing_since or now
    next_attempt_at = now + _retry_delay(claim.kind, row.attempts, known.retry_after)
    last_attempt_at = min(
        failing_since + claim.kind.gives_up_after, row.requested_at + claim.kind.lifetime
    )
    is_given_up = known.is_permanent or next_attempt_at > last_attempt_at
    failure = SendFailure(now, known, None if is_given_up else next_attempt_at)
    if claim.kind.record_failure is not None:
        claim.kind.record_failure(claim.object_id, failure)
    is_held = claim.held_row().update(
        failing_since=failing_since,
        reason=known.reason,
        lease_token="",
        lease_until=None,
        next_attempt_at=failure.next_attempt_at,
        given_up_at=now if is_given_up else None,
    )
    if not is_held:
        transaction.set_rollback(True)
        return
    # The error's text may name the person or the server.
    log.warning(
        "A message (%s) was not sent (%s, %s); %s.",
        row.kind,
        known.reason,
        type(error.__cause__ or error).__name__,
        "it is given up" if is_given_up else "it is tried again",
    )


def _retry_delay(kind: OutboxKind, attempts: int, retry_after: timedelta | None) -> timedelta:
    delay = _jittered(kind.retry_delay(attempts))
    if retry_after is None:
        return delay
    # Never before the moment that the other side named.
    return max(delay, min(retry_after, LONGEST_RETRY_AFTER) * random.uniform(1.0, 1.1))  # noqa: S311  spreads load, no secret


def _jittered(delay: timedelta) -> timedelta:
    return delay * random.uniform(0.75, 1.0)  # noqa: S311  spreads load, no secret

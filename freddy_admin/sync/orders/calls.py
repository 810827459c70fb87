"""An order's one call: claimed once, sent once at most, and what came back.

The claim is committed before anything is sent. A worker that dies afterwards leaves an order of
which nobody knows whether it arrived: it is never sent again, and the panel says so. One that is
stopped and wakes up later looks at the row once more, immediately before the first byte.
"""

import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.parsing_changes import SYNC_FIGURES
from freddy_admin.aitronos.types import SyncStarted
from freddy_admin.core import clock
from freddy_admin.sync.claims import SealedClaim, claim_secret, sealed_values
from freddy_admin.sync.models import KeySync, Order, OrderKind, OrderState
from freddy_admin.sync.outcomes import OwnFailure, Problem, problem_of
from freddy_admin.sync.policy import orders_since
from freddy_admin.vault.models import KeyStatus
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit

log = logging.getLogger(__name__)

# Of the statuses, these say that nothing was begun: the request itself was turned away.
_TURNED_AWAY = frozenset({400, 401, 403, 404, 405, 409, 413, 422, 429, *range(300, 400)})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClaim(SealedClaim):
    """One order that is ours to send."""

    order_id: int
    kind: OrderKind
    full: bool
    tool_key: str
    enable: bool
    taken_at: datetime  # by the database's clock
    lasts: float  # real seconds from then on


@dataclass(frozen=True, slots=True)
class OrderEnded:
    """What became of an order: `state` is done, refused or unclear."""

    order_id: int
    key_id: int
    token: str
    finished_at: datetime
    state: OrderState
    result: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    request_id: str = ""


def order_lease() -> timedelta:
    """How long a call may take, with a margin: afterwards nobody waits for its answer."""
    longest = settings.AITRONOS_CONNECT_TIMEOUT + settings.AITRONOS_SYNC_TIMEOUT
    return clock.passing(longest + 15.0)


def order_claims_take(*, limit: int, now: datetime) -> list[OrderClaim]:
    """Take up to `limit` orders that wait, the oldest first; each is `sending` from here on."""
    if limit < 1:
        return []
    with transaction.atomic():
        waiting = Order.objects.filter(
            state=OrderState.QUEUED, requested_at__gt=orders_since(now)
        ).select_related("key")
        locked = waiting.select_for_update(skip_locked=True, of=("self",)).annotate(taken_at=Now())
        orders = list(locked.order_by("requested_at", "pk")[:limit])
        for order in orders:
            order.state, order.sent_at = OrderState.SENDING, now
            order.lease_token, order.lease_until = secrets.token_hex(8), now + order_lease()
            order.key_version = order.key.version
        Order.objects.bulk_update(
            orders, ["state", "sent_at", "lease_token", "lease_until", "key_version"]
        )
    for order in orders:
        # A row at a time, each for itself: several at once could meet a batch of checks.
        mine = KeySync.objects.filter(pk=order.key_id, order_at=order.requested_at)
        mine.filter(order_state=OrderState.QUEUED).update(order_state=OrderState.SENDING)
    return [_claim(order, now) for order in orders]


def order_perform(client: AitronosClient, claim: OrderClaim) -> OrderEnded:
    """Send the order, unless it is not ours any more. Never raises; writes nothing, any thread.

    It is refused, with the problem `withheld`, where our lease was over before the first byte.
    """
    if claim.ciphertext is None:
        return _ended(claim, OrderState.REFUSED, problem=Problem(kind="key_changed"))
    try:
        return _sent(client, claim)
    except KeyUnreadable:
        return _ended(claim, OrderState.REFUSED, problem=Problem(kind=OwnFailure.KEY_UNREADABLE))
    except MasterKeyMisfit:
        return _ended(claim, OrderState.REFUSED, problem=Problem(kind=OwnFailure.MASTER_KEY_MISFIT))
    except AitronosError as error:
        state = state_after(error, kind=claim.kind)
        return _ended(claim, state, problem=problem_of(error))
    except Exception as error:  # noqa: BLE001  one order must never take the others with it
        log.error("Order %s broke: %s", claim.order_id, type(error).__name__)  # noqa: TRY400
        return _ended(claim, OrderState.UNCLEAR, problem=Problem(kind=OwnFailure.INTERNAL))


def state_after(error: AitronosError, *, kind: OrderKind) -> OrderState:
    """Refused where it is certain that nothing was begun, else unclear: it may run all the same.

    A sync's 200 that names its job was done, though its figures cannot be read. Any other 200,
    such as a web page, is not the answer of a sync.
    """
    if not error.sent or error.http_status in _TURNED_AWAY:
        return OrderState.REFUSED
    done = error.http_status == 200 and error.field in SYNC_FIGURES
    return OrderState.DONE if done and kind == OrderKind.SYNC else OrderState.UNCLEAR


def order_may_be_sent(claim: OrderClaim, seconds: float) -> bool:
    """Whether nobody else has, or could have, taken the order up within so many seconds from now.

    By the row and the database's clock, then by this machine's: asked immediately before the
    first byte. No transaction is held; a database that does not answer is a no.
    """
    mine = Order.objects.filter(pk=claim.order_id, state=OrderState.SENDING)
    try:
        now = mine.filter(lease_token=claim.token).values_list(Now(), flat=True).first()
    except DatabaseError as error:
        log.warning("Order %s was not sent: %s", claim.order_id, type(error).__name__)
        return False
    if now is None:
        return False
    age = (now - claim.taken_at).total_seconds()
    # Last, for the answer may have been long on its way.
    return age + seconds <= claim.lasts and claim.age.covers(seconds)


def _sent(client: AitronosClient, claim: OrderClaim) -> OrderEnded:
    may_send = partial(order_may_be_sent, claim)
    if claim.kind == OrderKind.SYNC:
        started = client.start_sync(
            secret=claim_secret(claim),
            full=claim.full,
            read_timeout=settings.AITRONOS_SYNC_TIMEOUT,
            may_send=may_send,
        )
        figures = _figures(started.value)
        return _ended(claim, OrderState.DONE, result=figures, request_id=started.info.request_id)
    switched = client.switch_tool(
        secret=claim_secret(claim),
        tool_key=claim.tool_key,
        enabled=claim.enable,
        may_send=may_send,
    )
    told = {"message": switched.value.message}
    return _ended(claim, OrderState.DONE, result=told, request_id=switched.info.request_id)


def _figures(started: SyncStarted) -> dict[str, Any]:
    return {
        "job_id": started.job_id,
        "status": started.status,
        "synced": started.tools_synced,
        "created": started.tools_created,
        "updated": started.tools_updated,
        "unchanged": started.tools_unchanged,
        "mode": started.sync_mode,
        "message": started.message,
    }


def _ended(
    claim: OrderClaim,
    state: OrderState,
    *,
    result: dict[str, Any] | None = None,
    problem: Problem | None = None,
    request_id: str = "",
) -> OrderEnded:
    return OrderEnded(
        order_id=claim.order_id,
        key_id=claim.key_id,
        token=claim.token,
        finished_at=clock.now(),
        state=state,
        result=result or {},
        problem=problem,
        request_id=problem.request_id if problem else request_id,
    )


def _claim(order: Order, now: datetime) -> OrderClaim:
    key, ends_at = order.key, order.lease_until or now
    values = sealed_values(key, token=order.lease_token, ends_at=ends_at)
    if key.status != KeyStatus.ACTIVE or key.paused_at is not None:
        values["ciphertext"] = None
    return OrderClaim(
        order_id=order.pk,
        kind=OrderKind(order.kind),
        full=order.full,
        tool_key=order.tool_key,
        enable=order.enable,
        taken_at=getattr(order, "taken_at", now),
        lasts=(ends_at - clock.now()) / clock.passing(1),
        **values,
    )

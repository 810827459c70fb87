"""What became of orders: written down once, told in the history, watched where it is unclear."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from freddy_admin.audit.services import WORKER, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.clock_guard import clocks_disagree
from freddy_admin.organisations.access import place_of
from freddy_admin.sync.history.telling import happened_tell
from freddy_admin.sync.models import EventKind, KeySync, Listing, ListingKind, Order, OrderState
from freddy_admin.sync.models.orders import OrderKind
from freddy_admin.sync.orders.calls import OrderClaim, OrderEnded, order_lease
from freddy_admin.sync.outcomes import Problem
from freddy_admin.sync.policy import LEASE_AT_MOST, orders_since

LOST = Problem(kind="worker_lost")
NOT_TAKEN = Problem(kind="not_taken")


def orders_store(ended: Sequence[OrderEnded]) -> list[int]:
    """Write these ends down; the ids of the orders that were still waiting for theirs.

    An answer that comes after the order was given up as lost is taken all the same: it is the
    truth. One that has its answer keeps it.
    """
    return [one.order_id for one in ended if _settle(one)]


def orders_lose(*, now: datetime) -> int:
    """Give up waiting for answers that nobody can bring any more; how many there were."""
    # A lease that ends later than any could was given before our clock was set back.
    beyond = now + max(2 * order_lease(), LEASE_AT_MOST)
    over = Q(lease_until__lte=now) | Q(lease_until__gt=beyond)
    lost = Order.objects.filter(over, state=OrderState.SENDING)
    ended = [
        OrderEnded(pk, key_id, token, now, OrderState.UNCLEAR, problem=LOST)
        for pk, key_id, token in lost.values_list("pk", "key_id", "lease_token")[:50]
    ]
    return len(orders_store(ended))


def orders_expire(*, now: datetime) -> int:
    """Give up what no worker has taken for half an hour: it was not sent; how many there were."""
    waiting = Order.objects.filter(
        state=OrderState.QUEUED, requested_at__lte=orders_since(now)
    ).values_list("pk", "key_id")
    ended = [
        OrderEnded(pk, key_id, "", now, OrderState.REFUSED, problem=NOT_TAKEN)
        for pk, key_id in waiting[:50]
    ]
    # While the clocks disagree such an order is neither sent nor given up.
    if ended and clocks_disagree():
        return 0
    return len(orders_store(ended))


def order_claims_abandon(claims: Sequence[OrderClaim], *, now: datetime) -> None:
    """This worker ends with calls under way: nobody will know what became of them."""
    orders_store(
        [
            OrderEnded(one.order_id, one.key_id, one.token, now, OrderState.UNCLEAR, problem=LOST)
            for one in claims
        ]
    )


def _settle(ended: OrderEnded) -> bool:
    with transaction.atomic():
        # The key's row first, as the checks do, or two workers could wait for each other.
        row = KeySync.objects.select_for_update().filter(pk=ended.key_id).first()
        rows = Order.objects.select_for_update(of=("self",)).select_related("key__organisation")
        order = rows.filter(pk=ended.order_id, lease_token=ended.token).first()
        if order is None or not _still_open(order, ended):
            return False
        _write(order, ended)
        if order.kind == OrderKind.SYNC and row is not None:
            _sync_settle(row, order, ended)
        if order.kind == OrderKind.SWITCH and order.state != OrderState.REFUSED:
            _list_again(order, now=ended.finished_at)
        _tell(order)
    return True


def _still_open(order: Order, ended: OrderEnded) -> bool:
    if ended.problem is NOT_TAKEN:
        return order.state == OrderState.QUEUED
    late_but_true = order.error_kind == LOST.kind and ended.problem is not LOST
    return order.state == OrderState.SENDING or late_but_true


def _write(order: Order, ended: OrderEnded) -> None:
    problem = ended.problem or Problem(kind="")
    order.state, order.finished_at, order.result = ended.state, ended.finished_at, ended.result
    order.lease_until = None
    order.error_kind, order.error_code = problem.kind, problem.code
    order.error_http_status, order.error_message = problem.http_status, problem.message
    order.trace_id, order.request_id = problem.trace_id, ended.request_id
    order.save()


def _sync_settle(row: KeySync, order: Order, ended: OrderEnded) -> None:
    """Show it with the key, and look at the key at once: did `last_sync_at` move?"""
    if row.order_at != order.requested_at:
        return
    # While it waited for the worker, a planned sync may have come: that was not this one.
    began = (order.sent_at or order.requested_at).replace(microsecond=0)
    if order.state == OrderState.REFUSED:
        row.order_at, row.order_by, row.order_state = None, "", ""
    elif row.last_sync_at is not None and row.last_sync_at >= began:
        row.order_at, row.order_by, row.order_state = None, "", ""
        Order.objects.filter(pk=order.pk).update(confirmed_sync_at=row.last_sync_at)
    else:
        row.order_state = order.state
    row.next_check_at = min(row.next_check_at, ended.finished_at)
    row.updated_at = ended.finished_at
    row.save(update_fields=["order_at", "order_by", "order_state", "next_check_at", "updated_at"])


def _list_again(order: Order, *, now: datetime) -> None:
    lists = Listing.objects.filter(key_id=order.key_id, kind=ListingKind.CONNECTORS)
    lists.update(wanted_at=now)


def _tell(order: Order) -> None:
    sync, what = order.kind == OrderKind.SYNC, f"{order.kind}_ended"
    details: dict[str, object] = {"what": what, "outcome": str(order.state)}
    if sync:
        names = ("synced", "created", "updated", "unchanged", "message")
        details |= {name: order.result[name] for name in names if name in order.result}
    else:
        details |= {"tool": order.tool_key, "name": order.tool_name, "enable": order.enable}
    if order.error_kind:
        details |= {"kind": order.error_kind, "http": order.error_http_status}
        details |= {"message": order.error_message} if order.error_message else {}
    happened_tell(
        key=order.key, kind=EventKind.PERSON_DID, details=details, actor=order.requested_by
    )
    audit_record(
        tag=Tag.SYNC_ENDED if sync else Tag.CONNECTOR_SWITCH_ENDED,
        actor=WORKER,
        place=place_of(order.key.organisation),
        subject=order.key.label,
        **{name: value for name, value in details.items() if name not in {"what", "message"}},
    )

"""What people ask the worker to do at Aitronos: a row that is sent once at most.

A page writes the order, the worker sends it; what it brought is told on the page and in the
history. Nothing here calls the API.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.names import actor_shown
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync import health
from freddy_admin.sync.history.telling import happened_tell
from freddy_admin.sync.models import (
    EventKind,
    KeySync,
    Order,
    OrderBatch,
    OrderKind,
    OrderState,
)
from freddy_admin.sync.models.orders import UNFINISHED
from freddy_admin.sync.orders.results import orders_expire
from freddy_admin.vault.models import ApiKey, KeyStatus

BATCH_AT_MOST = 100
TOOL_KEY_LENGTH, TOOL_NAME_LENGTH = 128, 120


def order_sync(
    *,
    organisation: Organisation,
    actor: Actor,
    key_id: int,
    full: bool,
    batch: OrderBatch | None = None,
) -> Order:
    """Ask for a sync with this key: of what changed, or of everything (`full`).

    Raises NotFound, and Conflict where the key is paused or a sync runs already.
    """
    orders_expire(now=clock.now())
    with transaction.atomic():
        key = _key_lock(organisation, key_id)
        running = _running(key)
        if running is not None:
            raise Conflict(_running_sentence(running))
        order = _order(key, actor, OrderKind.SYNC)
        order.full, order.batch = full, batch
        _place(order)
        KeySync.objects.filter(pk=key.pk).update(
            order_at=order.requested_at, order_by=order.requested_by, order_state=order.state
        )
        _tell(order, key, Tag.SYNC_REQUESTED, actor, full=full)
    return order


def order_switch(  # noqa: PLR0913  what is switched, by name
    *,
    organisation: Organisation,
    actor: Actor,
    key_id: int,
    tool_key: str,
    tool_name: str,
    enable: bool,
) -> Order:
    """Ask for one connector to be switched on or off.

    Raises NotFound, InvalidInput for a key that names no connector, and Conflict where the API
    key is paused or this connector is being switched already.
    """
    tool = tool_key_clean(tool_key)
    orders_expire(now=clock.now())
    with transaction.atomic():
        key = _key_lock(organisation, key_id)
        order = _order(key, actor, OrderKind.SWITCH)
        order.tool_key, order.tool_name = tool, tool_name[:TOOL_NAME_LENGTH] or tool
        order.enable = enable
        _place(order)
        _tell(
            order,
            key,
            Tag.CONNECTOR_SWITCH_REQUESTED,
            actor,
            tool=order.tool_key,
            name=order.tool_name,
            enable=enable,
        )
    return order


def tool_key_clean(value: str) -> str:
    """A connector's key as it can stand in an address. Raises InvalidInput."""
    text = value.strip()
    if not text or text in {".", ".."} or len(text) > TOOL_KEY_LENGTH or not text.isprintable():
        raise InvalidInput(
            _("Give the connector's key, such as gmail: at most 128 plain characters."),
            field="tool",
        )
    return text


def batch_open(*, actor: Actor) -> OrderBatch:
    """A place for several orders that are given together."""
    return OrderBatch.objects.create(created_at=clock.now(), created_by=actor.name[:254])


def batch_orders(*, user: User, batch_id: UUID) -> list[Order]:
    """The orders of a batch that this person may see, by name; raises NotFound where none is."""
    mine = organisations_visible(user=user)
    orders = Order.objects.filter(batch_id=batch_id, organisation__in=mine)
    found = list(orders.select_related("key__sync", "organisation", "batch"))
    if not found:
        raise NotFound(_("There is no such list of syncs, or it is not yours to see."))
    return sorted(found, key=lambda one: (one.organisation.name.casefold(), one.key.label))


def order_is_late(order: Order, *, now: datetime) -> bool:
    """Whether the sync should have been seen by now; the order comes with its key's row."""
    row: KeySync | None = getattr(order.key, "sync", None)
    if row is None:
        return True  # nobody looks any more
    minutes = order.key.grace_minutes
    own = None if minutes is None else timedelta(minutes=minutes)
    schedule = health.Schedule(row.last_sync_at, row.next_sync_at, row.sync_interval_hours)
    return now > order.requested_at + health.grace_of(schedule, own)


def sync_orders(*, organisation: Organisation, key_ids: Sequence[int]) -> dict[int, Order]:
    """The latest sync that was asked for with each of these keys, in one query."""
    orders = Order.objects.filter(
        organisation=organisation, kind=OrderKind.SYNC, key_id__in=list(key_ids)
    )
    # A day on, an answer is history: the timeline has it.
    recent = orders.filter(requested_at__gte=clock.now() - timedelta(days=1))
    return {order.key_id: order for order in recent.order_by("requested_at", "pk")}


def switch_orders(*, organisation: Organisation, key_id: int, limit: int = 20) -> list[Order]:
    """Connectors switched with this key, the latest first."""
    orders = Order.objects.filter(organisation=organisation, kind=OrderKind.SWITCH, key_id=key_id)
    return list(orders.order_by("-requested_at", "-pk")[:limit])


def _key_lock(organisation: Organisation, key_id: int) -> ApiKey:
    keys = ApiKey.objects.select_for_update(of=("self",), no_key=True)
    key = keys.filter(pk=key_id, organisation=organisation, status=KeyStatus.ACTIVE).first()
    if key is None:
        raise NotFound(_("There is no such key here."))
    if key.paused_at is not None:
        raise Conflict(_("This key is paused. Resume it before you ask Aitronos for anything."))
    return key


def _running(key: ApiKey) -> Order | None:
    return _unfinished().filter(key=key, kind=OrderKind.SYNC).first()


def _unfinished() -> QuerySet[Order]:
    return Order.objects.filter(state__in=UNFINISHED)


def _running_sentence(order: Order) -> str:
    return _("A sync that %(who)s asked for runs already. Wait for it to end.") % {
        "who": actor_shown(order.requested_by)
    }


def _order(key: ApiKey, actor: Actor, kind: OrderKind) -> Order:
    return Order(
        organisation_id=key.organisation_id,
        key=key,
        key_version=key.version,
        kind=kind,
        state=OrderState.QUEUED,
        requested_at=clock.now(),
        requested_by=actor.name[:254],
        requested_by_id=actor.id,
    )


def _place(order: Order) -> None:
    # The database's own rule is the lock: of two who press at once, one order is placed.
    try:
        with transaction.atomic():
            order.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("This was asked for already, a moment ago. Wait for it to end.")) from None


def _tell(order: Order, key: ApiKey, tag: Tag, actor: Actor, **details: object) -> None:
    happened_tell(
        key=key,
        kind=EventKind.PERSON_DID,
        details={"what": str(order.kind)} | details,
        actor=actor.name,
    )
    audit_record(
        tag=tag, actor=actor, place=place_of(key.organisation), subject=key.label, **details
    )

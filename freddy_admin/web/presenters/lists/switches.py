"""Connectors switched here: what is under way, what became of it, what can be switched back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils.safestring import SafeString

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.models import Order, OrderState
from freddy_admin.web.presenters.lists.connectors import switch_address
from freddy_admin.web.presenters.lists.switch_words import LOOKS, switch_note, switch_sentence
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.times import Reading

# So many are looked through for connectors that are still off; so many are shown.
LOOKED_THROUGH, SHOWN = 100, 20
NEWS_FOR = timedelta(minutes=5)
HURRY_FOR = timedelta(seconds=60)
_OPEN = frozenset({OrderState.QUEUED, OrderState.SENDING})


@dataclass(frozen=True, slots=True)
class SwitchView:
    """One time that a connector was switched; `back_on` leads to switching it on again."""

    anchor: str
    name: str
    words: SafeString
    note: str
    tone: str
    icon: str
    pending: bool
    hurries: bool
    recent: bool
    back_on: str
    news: str


@dataclass(frozen=True, slots=True)
class Switched:
    """All of them, the latest first; `tool_keys` are those that are being switched."""

    orders: Sequence[Order]
    tool_keys: frozenset[str]
    mark: str


def switched(orders: Sequence[Order], on: Reading) -> Switched:
    """What the page needs to know before it reads the list."""
    return Switched(
        orders=orders,
        tool_keys=frozenset(one.tool_key for one in orders if one.state in _OPEN),
        mark=mark_of([(one.pk, one.state, _recent(one, on), _hurries(one, on)) for one in orders]),
    )


def switch_views(
    found: Switched,
    on: Reading,
    *,
    path: str,
    listed: Collection[str],
    permissions: Collection[Permission],
) -> list[SwitchView]:
    """The record, with those that are still off however long ago that was.

    `permissions` are what the reader may do in the organisation.
    """
    off, latest = _still_off(found, listed), _latest(found)
    shown = [one for number, one in enumerate(found.orders) if number < SHOWN or one.pk in off]
    views = [_view(one, on, path if one.pk in off else "", permissions) for one in shown]
    # Only the last word on a connector is news.
    last = {f"order-{one.pk}" for one in latest.values()}
    return [replace(one, recent=one.recent and one.anchor in last) for one in views]


def _latest(found: Switched) -> dict[str, Order]:
    latest: dict[str, Order] = {}
    for one in found.orders:
        latest.setdefault(one.tool_key, one)
    return latest


def _still_off(found: Switched, listed: Collection[str]) -> frozenset[int]:
    """The latest order of each connector that went off here and is not listed again."""
    off: dict[str, bool] = {}
    for one in found.orders:
        if one.state in {OrderState.DONE, OrderState.UNCLEAR}:
            off.setdefault(one.tool_key, not one.enable)
    gone = {key for key in off if off[key]} - found.tool_keys - set(listed)
    return frozenset(one.pk for key, one in _latest(found).items() if key in gone)


def _view(one: Order, on: Reading, path: str, permissions: Collection[Permission]) -> SwitchView:
    state = OrderState(one.state)
    tone, icon = LOOKS[state]
    name = one.tool_name or one.tool_key
    return SwitchView(
        anchor=f"order-{one.pk}",
        name=name,
        words=switch_sentence(one, on, permissions),
        note=switch_note(one),
        tone=tone,
        icon=icon,
        pending=state in _OPEN,
        hurries=_hurries(one, on),
        recent=_recent(one, on),
        back_on=switch_address(path, one.tool_key, on=True),
        news=f"{name}: {state.label}",
    )


def _recent(one: Order, on: Reading) -> bool:
    """Whether it is said above the list, too."""
    if one.state in _OPEN:
        return True
    return one.finished_at is not None and on.now - one.finished_at < NEWS_FOR


def _hurries(one: Order, on: Reading) -> bool:
    return one.state in _OPEN and on.now - one.requested_at < HURRY_FOR

"""The pages on which syncs are started and watched, ready for their templates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.models import Order, OrderState
from freddy_admin.sync.models.orders import UNFINISHED
from freddy_admin.sync.orders.placing import order_is_late
from freddy_admin.sync.orders.startable import same_reports
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import State
from freddy_admin.web.presenters.rows import NEVER, mark_of
from freddy_admin.web.presenters.states import Pill, pill
from freddy_admin.web.presenters.story import story
from freddy_admin.web.presenters.syncs.orders import OrderView, order_view
from freddy_admin.web.presenters.times import EITHER, PAST, Reading, span_words

# A sync helps these; others may be chosen, but are not to begin with.
_HELPED = frozenset({State.OVERDUE, State.NEVER_SYNCED, State.LATE})


@dataclass(frozen=True, slots=True)
class DialogView:
    """What the dialog says before a sync is started."""

    organisation: str
    label: str
    href: str
    pill: Pill
    headline: SafeString
    running: str
    patience: str
    alike: list[str]


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """One key that can be chosen."""

    key_id: int
    name: str
    label: str
    pill: Pill
    last: SafeString | str
    running: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ChoicesView:
    """The keys to choose from, and which of them report the same."""

    choices: list[ChoiceView]
    number: int
    groups: list[str]
    spare: int
    full: bool


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """How one of several syncs went."""

    anchor: str
    name: str
    label: str
    href: str
    order: OrderView


@dataclass(frozen=True, slots=True)
class BatchView:
    """How several syncs go."""

    number: int
    ended: int
    sentence: str
    pending: bool
    outcomes: list[OutcomeView]
    mark: str


def dialog_view(row: KeyRow, alike: Sequence[KeyRow], on: Reading) -> DialogView:
    """The dialog for one key; `alike` are others that report the same sync."""
    running = (
        _("A sync that %(who)s asked for at %(at)s runs already.")
        % {"who": row.order_by, "at": on.clock(row.order_at)}
        if row.sync_running and row.order_at
        else ""
    )
    return DialogView(
        organisation=row.organisation_name,
        label=row.key_label,
        href=f"{reverse('organisation', args=[row.organisation_slug])}#key-{row.key_id}",
        pill=pill(row.state),
        headline=story(row, on).headline,
        running=running,
        patience=span_words(row.grace.total_seconds()),
        alike=[_named(other) for other in alike],
    )


def choice_view(rows: Sequence[KeyRow], on: Reading, *, chosen: bool, full: bool) -> ChoicesView:
    """The list; `chosen` marks all of them, else those that a sync would help."""
    groups = same_reports(rows)
    return ChoicesView(
        choices=[_choice(row, on, chosen=chosen) for row in rows],
        number=len(rows),
        groups=[_group(group) for group in groups],
        spare=len(rows) - sum(len(group) - 1 for group in groups),
        full=full,
    )


def batch_view(orders: Sequence[Order], on: Reading) -> BatchView:
    """How they went so far."""
    counts = Counter(OrderState(order.state) for order in orders)
    unfinished = sum(counts[state] for state in UNFINISHED)
    late = [order_is_late(order, now=on.now) for order in orders]
    outcomes = [_outcome(order, on, late=one) for order, one in zip(orders, late, strict=True)]
    shown = [(order.pk, order.state, order.confirmed_sync_at) for order in orders]
    return BatchView(
        number=len(orders),
        ended=len(orders) - unfinished,
        sentence=_sentence(orders, counts, unfinished),
        pending=unfinished > 0,
        outcomes=outcomes,
        mark=mark_of(shown, late),
    )


def _choice(row: KeyRow, on: Reading, *, chosen: bool) -> ChoiceView:
    figures = row.figures
    last = figures.last_sync_at if figures else None
    never = _("never") if figures else NEVER
    running = _("requested by %(who)s, runs already") % {"who": row.order_by}
    return ChoiceView(
        key_id=row.key_id,
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        pill=pill(row.state),
        last=on.cell(last, EITHER if last > on.now else PAST) if last else never,
        running=running if row.sync_running else "",
        chosen=not row.sync_running and (chosen or row.state in _HELPED),
    )


def _group(group: Sequence[KeyRow]) -> str:
    names = ", ".join(_named(row) for row in group[:5])
    rest = len(group) - 5
    if rest > 0:
        names = _("%(names)s and %(n)d more") % {"names": names, "n": rest}
    return _("These %(n)d report the same figures: %(names)s.") % {"n": len(group), "names": names}


def _named(row: KeyRow) -> str:
    if row.keys_in_organisation > 1:
        return f"{row.organisation_name} ({row.key_label})"
    return row.organisation_name


def _outcome(order: Order, on: Reading, *, late: bool) -> OutcomeView:
    page = reverse("organisation", args=[order.organisation.slug])
    return OutcomeView(
        anchor=f"order-{order.pk}",
        name=order.organisation.name,
        label=order.key.label,
        href=f"{page}#key-{order.key_id}",
        order=order_view(order, on, late=late),
    )


def _sentence(orders: Sequence[Order], counts: Counter[OrderState], unfinished: int) -> str:
    total, ended = len(orders), len(orders) - unfinished
    parts = [
        ngettext(
            "%(ended)d of %(total)d sync has ended",
            "%(ended)d of %(total)d syncs have ended",
            total,
        )
        % {"ended": ended, "total": total}
    ]
    if counts[OrderState.REFUSED]:
        parts.append(_("%(n)d not started") % {"n": counts[OrderState.REFUSED]})
    if counts[OrderState.UNCLEAR]:
        parts.append(_("%(n)d not known") % {"n": counts[OrderState.UNCLEAR]})
    return " · ".join(parts)

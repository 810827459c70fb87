"""The overview, ready for its template."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.rows import Filters, Overview
from freddy_admin.sync.states import NEEDS_YOU, State
from freddy_admin.web.filters import (
    NEEDS,
    NO_OWNER,
    address,
    is_narrowed,
    owner_value,
    state_values,
)
from freddy_admin.web.presenters.agreement import AlikeView, alike_view
from freddy_admin.web.presenters.banners import Banner
from freddy_admin.web.presenters.choices import Choice
from freddy_admin.web.presenters.row_html import row_html
from freddy_admin.web.presenters.rows import (
    CardView,
    RowView,
    card_view,
    mark_of,
    row_anchor,
    row_mark,
    row_views,
)
from freddy_admin.web.presenters.states import BAD, WARN, pill
from freddy_admin.web.presenters.times import Reading

CARDS = 6
SPRITE = "img/icons.svg"


@dataclass(frozen=True, slots=True)
class Chip:
    """One count of the summary sentence, and the filter behind it."""

    words: str
    href: str
    tone: str
    icon: str
    active: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A head of the table; `direction` is "", "ascending" or "descending"."""

    word: str
    href: str
    direction: str


@dataclass(frozen=True, slots=True)
class OverviewView:
    """Everything the page shows."""

    needs_you: int
    total: int
    chips: list[Chip]
    checked: SafeString
    banners: list[Banner]
    alike: AlikeView | None
    cards: list[CardView]
    more_cards: int
    all_needing: int
    more_href: str
    columns: list[Column]
    rows: list[RowView]
    lines: list[SafeString]
    matching: str
    narrowed: bool
    here: str
    earlier: str
    later: str
    pages: str
    states: list[Choice]
    tags: list[Choice]
    owners: list[Choice]
    expiring: bool
    all_but_expiring: str
    q: str
    sort: str
    same: str
    all_but_same: str
    empty_organisations: list[tuple[str, str]]
    more_filters: bool
    marks: dict[str, str]
    query: str
    sprite: str
    labels: dict[str, str]


def overview_marks(overview: Overview, told: list[Banner]) -> dict[str, str]:
    """A digest per part of the page: a browser that has them all is told nothing."""
    order = [row.key_id for row in overview.rows]
    rows = {row_anchor(row): row_mark(row) for row in overview.rows}
    return {
        "frame": mark_of(order, overview.pages, overview.matching, overview.empty_organisations),
        "head": mark_of(
            list(overview.all_counts.items()),
            list(overview.counts.items()),
            overview.checked_at,
            overview.next_check_at,
            [banner.kind for banner in told],
            [(one.mark, one.keys, one.names) for one in overview.alike],
            overview.more_alike,
            (overview.urgent, overview.urgent_left, overview.expiring),
        ),
        "needs": mark_of(
            [rows[row_anchor(row)] for row in overview.rows if row.wants_somebody][:CARDS]
        ),
    } | rows


def overview_view(
    overview: Overview, on: Reading, *, told: list[Banner], marks: dict[str, str], path: str
) -> OverviewView:
    """The page for one person and one moment."""
    filters = overview.filters
    with_cards = overview.page == 1 and filters.sort == "state"
    needing = [row for row in overview.rows if row.wants_somebody] if with_cards else []
    cards = [card_view(row, on) for row in needing[:CARDS]]
    rows, labels, sprite = row_views(overview.rows, on, marks), column_labels(), static(SPRITE)
    in_view = _in_need(overview)
    return OverviewView(
        needs_you=overview.needs_you,
        total=overview.total,
        chips=_chips(overview, path),
        checked=_checked(overview, on),
        banners=told,
        alike=alike_view(overview, path),
        cards=cards,
        more_cards=max(0, in_view - len(cards)) if cards else 0,
        all_needing=in_view,
        more_href=address(filters, path, states=tuple(s for s in State if s in NEEDS_YOU)),
        columns=_columns(filters, path),
        rows=rows,
        lines=[row_html(row, labels=labels, sprite=sprite) for row in rows],
        matching=_matching(overview),
        narrowed=is_narrowed(filters),
        here=address(filters, path),
        earlier=address(filters, path, page=overview.page - 1) if overview.page > 1 else "",
        later=address(filters, path, page=overview.page + 1)
        if overview.page < overview.pages
        else "",
        pages=_("Page %(page)s of %(pages)s") % {"page": overview.page, "pages": overview.pages},
        states=_state_choices(overview),
        tags=[Choice(tag.value, tag.label, tag.value == filters.tag) for tag in overview.tags],
        owners=_owner_choices(overview),
        expiring=filters.expiring,
        all_but_expiring=address(filters, path, expiring=False),
        q=filters.q,
        sort=filters.sort,
        same=filters.same,
        all_but_same=address(filters, path, same=""),
        empty_organisations=overview.empty_organisations,
        more_filters=bool(filters.tag) or filters.owner is not None,
        marks=marks,
        query=address(filters, page=1),
        sprite=sprite,
        labels=labels,
    )


def changed_lines(view: OverviewView, seen: Mapping[str, str]) -> list[SafeString]:
    """The lines that a browser does not show as they are, each to find its own place."""
    return [
        row_html(row, labels=view.labels, sprite=view.sprite, alone=True)
        for row in view.rows
        if seen.get(row.anchor) != row.mark
    ]


def column_labels() -> dict[str, str]:
    """The names of the columns once more, for where a row is shown as a card."""
    return {
        "last": _("Last synced"),
        "due": _("Expected next"),
        "tools": _("Tools on / total"),
        "checked": _("Checked"),
        "owner": _("Owner"),
    }


def _chips(overview: Overview, path: str) -> list[Chip]:
    counts = overview.counts
    chips = []
    needing = _in_need(overview)
    if needing:
        words = ngettext("%(n)d needs you", "%(n)d need you", needing) % {"n": needing}
        all_of = tuple(state for state in State if state in NEEDS_YOU)
        chips.append(_chip(words, BAD, "alert-octagon", all_of, overview, path))
    for state, number in counts.items():
        if state in NEEDS_YOU:
            continue
        look = pill(state)
        words = f"{number:,} {_lower(look.word)}"
        chips.append(_chip(words, look.tone, look.icon, (state,), overview, path))
    if overview.expiring:
        chips.append(_expiring_chip(overview, path))
    return chips


def _in_need(overview: Overview) -> int:
    """How many need somebody, of what the filters leave."""
    counts = overview.counts.items()
    return overview.urgent_left + sum(count for state, count in counts if state in NEEDS_YOU)


def _expiring_chip(overview: Overview, path: str) -> Chip:
    words = ngettext("%(n)d key expires soon", "%(n)d keys expire soon", overview.expiring)
    filters, active = overview.filters, overview.filters.expiring
    # The number is that of all states: so is the list behind it.
    states = filters.states if active else ()
    return Chip(
        words=words % {"n": overview.expiring},
        href=address(filters, path, expiring=not active, states=states),
        tone=WARN,
        icon="calendar-x",
        active=active,
    )


def _chip(  # noqa: PLR0913  the parts of one chip
    words: str, tone: str, icon: str, states: tuple[State, ...], overview: Overview, path: str
) -> Chip:
    active = overview.filters.states == states
    href = address(overview.filters, path, states=() if active else states)
    return Chip(words=words, href=href, tone=tone, icon=icon, active=active)


def _lower(word: str) -> str:
    return word[:1].lower() + word[1:]


def _checked(overview: Overview, on: Reading) -> SafeString:
    if overview.checked_at is None:
        return SafeString(_("Nothing was checked yet."))  # nosec B703
    looked = format_html(_("Checked {ago}"), ago=on.ago(overview.checked_at))
    if overview.next_check_at is None:
        return looked
    following = format_html(_("next check {until}"), until=on.until(overview.next_check_at))
    return format_html("{} · {}", looked, following)


def _columns(filters: Filters, path: str) -> list[Column]:
    heads = [
        ("organisation", _("Organisation")),
        ("state", _("State")),
        ("last", _("Last synced")),
        ("next", _("Expected next")),
        ("tools", _("Tools on / total")),
        ("checked", _("Checked")),
    ]
    return [_column(filters, path, sort, word) for sort, word in heads]


def _column(filters: Filters, path: str, sort: str, word: str) -> Column:
    if filters.sort == sort:
        return Column(word, address(filters, path, sort=f"-{sort}"), "ascending")
    direction = "descending" if filters.sort == f"-{sort}" else ""
    return Column(word, address(filters, path, sort=sort), direction)


def _matching(overview: Overview) -> str:
    if is_narrowed(overview.filters):
        return _("%(n)s of %(all)s keys") % {
            "n": f"{overview.matching:,}",
            "all": f"{overview.total:,}",
        }
    number = overview.matching
    return ngettext("%(n)s key", "%(n)s keys", number) % {"n": f"{number:,}"}


def _owner_choices(overview: Overview) -> list[Choice]:
    chosen = owner_value(overview.filters.owner)
    nobody = Choice(NO_OWNER, _("Nobody yet"), chosen == NO_OWNER)
    people = [Choice(one.value, one.label, one.value == chosen) for one in overview.owners]
    return [nobody, *people]


def _state_choices(overview: Overview) -> list[Choice]:
    chosen = state_values(overview.filters.states)
    choices = [Choice(NEEDS, _("Needs you"), NEEDS in chosen)]
    present = set(overview.all_counts) | set(overview.filters.states)
    return choices + [
        Choice(state.value, str(state.label), state.value in chosen)
        for state in State
        if state in present
    ]

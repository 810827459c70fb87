"""A key as one line of a list: ready strings, made once, so that the template only prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import State
from freddy_admin.web.presenters.actions import PASTE, Action, next_action, replace_action
from freddy_admin.web.presenters.expiry import (
    day_words,
    expiry_note,
    expiry_pill,
    expiry_sentence,
)
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.key_list import PANELS
from freddy_admin.web.presenters.owners import owner_sentence
from freddy_admin.web.presenters.states import Pill, pill
from freddy_admin.web.presenters.story import story
from freddy_admin.web.presenters.syncs.orders import order_note
from freddy_admin.web.presenters.times import EITHER, PAST, Reading

NEVER = "—"


@dataclass(frozen=True, slots=True)
class RowView:
    """What the list shows of one key."""

    anchor: str
    mark: str  # changes when anything shown changes, apart from the passing of time
    href: str
    name: str
    label: str  # only where the organisation holds several keys
    pill: Pill
    note: str
    last: SafeString | str
    due: SafeString | str
    tools: str
    tools_note: str
    checked: SafeString | str
    checked_note: str
    owner: str
    pending: bool
    key_href: str
    key_label: str
    news: str  # said to screen readers when the row changes


@dataclass(frozen=True, slots=True)
class CardView:
    """One thing that needs somebody: a sentence and a button."""

    name: str
    label: str
    href: str
    key_href: str
    pill: Pill
    sentence: SafeString
    move: SafeString
    owner: str  # whom to ask, where there is no button for the reader
    since: SafeString
    action: Action | None


def row_views(
    rows: list[KeyRow], on: Reading, marks: Mapping[str, str] | None = None
) -> list[RowView]:
    """The lines of a list, in order; `marks` holds their digests where they were made already."""
    base, known = organisations_base(), marks or {}
    return [_row_view(row, on, base, known.get(row_anchor(row))) for row in rows]


def card_view(row: KeyRow, on: Reading) -> CardView:
    """The card of a key that needs somebody."""
    if not row.needs_you:
        return _expiry_card(row, on)
    told, base, action = story(row, on), organisations_base(), next_action(row)
    return CardView(
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        href=_href(row, base),
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        pill=pill(row.state),
        sentence=told.headline,
        move=told.move,
        owner="" if action else owner_sentence(row),
        since=format_html(_("since {at}"), at=on.at(row.state_since)),
        action=action,
    )


def _expiry_card(row: KeyRow, on: Reading) -> CardView:
    """Well apart from the day its key stops working."""
    base, action = organisations_base(), replace_action(row)
    due = day_words(row.expires_on) if row.expires_on else ""
    return CardView(
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        href=_href(row, base),
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        pill=expiry_pill(row),
        sentence=format_html("{}", expiry_sentence(row)),
        move=format_html("{}", _("A manager makes a new key at Aitronos and pastes it here.")),
        owner="" if action else owner_sentence(row),
        since=format_html("{}", due),
        action=action,
    )


def organisations_base() -> str:
    """`/organisations/`, found once per page: reversing an address in a loop is slow."""
    return reverse("organisation", args=["x"]).removesuffix("x/")


def row_mark(row: KeyRow) -> str:
    """A short digest of what is shown of the row, times as they are and not as they pass."""
    shown = (
        row.state,
        row.state_since,
        row.updated_at,
        row.checked_at,
        row.check_pending,
        row.key_version,
        row.organisation_name,
        row.key_label,
        row.keys_in_organisation,
        row.owner_name,
        row.owner_is_reader,
        row.paused_at,
        row.permissions,
        (row.order_at, row.order_state, row.order_is_late),
        (row.expires_on, row.expires_soon and row.expires_in),
    )
    return mark_of(shown)


def row_anchor(row: KeyRow) -> str:
    """The name of this line in the page."""
    return f"row-{row.key_id}"


def mark_of(*values: object) -> str:
    """A short digest of values; equal values give equal digests, in every process."""
    text = "\x1f".join(_stable(value) for value in values)
    return f"{crc32(text.encode('utf-8', 'backslashreplace')):08x}"


def tools_words(row: KeyRow) -> str:
    """Tools on / total."""
    if row.figures is None:
        return NEVER
    return f"{row.figures.enabled_tools:,} / {row.figures.total_tools:,}"


def _stable(value: object) -> str:
    if isinstance(value, frozenset | set):
        return ",".join(sorted(str(one) for one in value))
    if isinstance(value, tuple | list):
        return "(" + "\x1e".join(_stable(one) for one in value) + ")"
    return str(value)


def _href(row: KeyRow, base: str) -> str:
    page = f"{base}{row.organisation_slug}/"
    return f"{page}#key-{row.key_id}" if 1 < row.keys_in_organisation <= PANELS else page


def _row_view(row: KeyRow, on: Reading, base: str, mark: str | None) -> RowView:
    look = pill(row.state)
    figures = row.figures
    last = figures.last_sync_at if figures else None
    due = row.due_at
    return RowView(
        anchor=row_anchor(row),
        mark=mark or row_mark(row),
        href=_href(row, base),
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        pill=look,
        note=_notes(row, on),
        # A last sync that lies ahead is odd, and must not read as "just now".
        last=on.cell(last, EITHER if last > on.now else PAST) if last else _never_words(row),
        due=on.cell(due, EITHER) if due else NEVER,
        tools=tools_words(row),
        tools_note=_figures_note(row),
        checked=on.cell(row.checked_at) if row.checked_at else NEVER,
        checked_note=_checked_note(row),
        owner=row.owner_name or NEVER,
        pending=row.check_pending or row.sync_running,
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        key_label=row.key_label,
        news=f"{row.organisation_name}: {look.word}",
    )


def _never_words(row: KeyRow) -> str:
    return _("never") if row.figures else NEVER


def _notes(row: KeyRow, on: Reading) -> str:
    notes = (order_note(row, on) or _note(row), expiry_note(row))
    return " · ".join(note for note in notes if note)


def _note(row: KeyRow) -> str:
    """What stands under the state: the last known one, or why it is what it is."""
    if row.state is State.UNKNOWN and row.state_rule == 5:
        return _("was: %(state)s") % {"state": row.known_state.label}
    if row.state is State.UNKNOWN and row.state_rule == 7:
        return _("the times do not add up")
    if row.state in {State.OVERDUE, State.LATE} and row.due_at and row.due_at > row.now:
        return _("a planned sync was left out")
    if row.error is None or row.state is State.PAUSED:
        return ""
    # "Key rejected: key refused" says nothing twice; "the key has expired" says something.
    told = row.state in PASTE and not row.error.code.startswith("API_KEY_")
    return "" if told else failure(row.error).brief


def _figures_note(row: KeyRow) -> str:
    if row.figures_are_former and row.figures:
        return _("before the change")
    if row.figures and row.figures.inconsistent:
        return _("inconsistent")
    return ""


def _checked_note(row: KeyRow) -> str:
    return _("checking…") if row.check_pending else ""

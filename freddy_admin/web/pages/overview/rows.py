"""A key as one row of a list: ready strings, so that the template only prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.components import (
    KEY_CARDS_LIMIT,
    ActionButton,
    StatePill,
    next_step_button,
    replace_key_button,
    state_pill,
    tool_counts_text,
)
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.sync_start.operation import operation_note
from freddy_admin.wording.keys import (
    NEW_KEY_MOVE,
    figures_brief,
    key_expiry_label,
    key_expiry_note,
    key_expiry_sentence,
    key_expiry_tone,
    key_state_note,
    owner_to_ask,
)
from freddy_admin.wording.sentences import EMPTY, Moment, render_html, render_text, say
from freddy_admin.wording.states import key_headline, key_next_move
from freddy_admin.wording.times import EITHER, PAST, UserTime

NO_VALUE = "—"


@dataclass(frozen=True, slots=True)
class KeyTableRow:
    """What a list shows of one key."""

    anchor: str
    digest: str  # changes when anything shown changes, apart from the passing of time
    href: str
    name: str
    label: str  # only where the organisation holds several keys
    pill: StatePill
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
    announcement: str  # said to screen readers when the row changes


@dataclass(frozen=True, slots=True)
class NeedsYouCard:
    """One thing that needs somebody: a sentence and a button."""

    name: str
    label: str
    href: str
    key_href: str
    pill: StatePill
    sentence: SafeString
    next_move: SafeString
    owner: str  # whom to ask, where there is no button for the user
    since: SafeString
    action: ActionButton | None


def key_table_rows(
    rows: list[KeyRow], user_time: UserTime, digests: Mapping[str, str] | None = None
) -> list[KeyTableRow]:
    """The rows of a list, in order; `digests` holds those that were made already."""
    base_url, known_digests = organisation_url_prefix(), digests or {}
    announcement = _("%(name)s: %(state)s")
    return [
        _key_table_row(
            row, user_time, base_url, known_digests.get(key_row_anchor(row)), announcement
        )
        for row in rows
    ]


def needs_you_card(row: KeyRow, user_time: UserTime) -> NeedsYouCard:
    """The card of a key that needs somebody."""
    if not row.needs_action:
        return _key_expiry_card(row, user_time)
    base = organisation_url_prefix()
    action = next_step_button(row)
    return NeedsYouCard(
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        href=_organisation_page_href(row, base),
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        pill=state_pill(row.state),
        sentence=render_html(key_headline(row), user_time),
        next_move=render_html(key_next_move(row), user_time),
        owner="" if action else render_text(owner_to_ask(row)),
        since=render_html(say(_("since {at}"), at=Moment(row.state_since)), user_time),
        action=action,
    )


def _key_expiry_card(row: KeyRow, user_time: UserTime) -> NeedsYouCard:
    """The card of a key that needs nothing but a new secret before it expires."""
    base, action = organisation_url_prefix(), replace_key_button(row)
    expiry_day = say("{day}", day=row.expires_on) if row.expires_on else EMPTY
    return NeedsYouCard(
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        href=_organisation_page_href(row, base),
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        pill=StatePill(
            value="expiring",
            tone=key_expiry_tone(row),
            icon="calendar-x",
            word=render_text(key_expiry_label(row)),
        ),
        sentence=render_html(key_expiry_sentence(row), user_time),
        next_move=render_html(say(NEW_KEY_MOVE), user_time),
        owner="" if action else render_text(owner_to_ask(row)),
        since=render_html(expiry_day, user_time),
        action=action,
    )


def organisation_url_prefix() -> str:
    """`/organisations/`, found once per page: reversing an address in a loop is slow."""
    return reverse("organisation", args=["x"]).removesuffix("x/")


def key_row_digest(row: KeyRow) -> str:
    """A short digest of what is shown of the row, times as they are and not as they pass."""
    shown = (
        row.state,
        row.state_since,
        row.updated_at,
        row.checked_at,
        row.is_check_pending,
        row.key_version,
        row.organisation_name,
        row.key_label,
        row.keys_in_organisation,
        row.owner_name,
        row.owner_is_user,
        row.paused_at,
        row.permissions,
        (row.operation_requested_at, row.operation_state, row.is_operation_late),
        (row.expires_on, row.is_expiring_soon and row.days_until_expiry),
    )
    return values_digest(shown)


def key_row_anchor(row: KeyRow) -> str:
    """The name of this line in the page."""
    return f"row-{row.key_id}"


def tool_counts_cell(row: KeyRow) -> str:
    """Tools on / total."""
    if row.figures is None:
        return NO_VALUE
    return tool_counts_text(row.figures.enabled_tools, row.figures.total_tools)


def _organisation_page_href(row: KeyRow, base: str) -> str:
    page = f"{base}{row.organisation_slug}/"
    return f"{page}#key-{row.key_id}" if 1 < row.keys_in_organisation <= KEY_CARDS_LIMIT else page


def _key_table_row(
    row: KeyRow, user_time: UserTime, base: str, digest: str | None, announcement: str
) -> KeyTableRow:
    pill = state_pill(row.state)
    figures = row.figures
    last = figures.last_sync_at if figures else None
    due = row.due_at
    return KeyTableRow(
        anchor=key_row_anchor(row),
        digest=digest or key_row_digest(row),
        href=_organisation_page_href(row, base),
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        pill=pill,
        note=_state_and_expiry_notes(row, user_time),
        # A last sync that lies ahead is odd, and must not read as "just now".
        last=user_time.render_relative_cell(last, EITHER if last > user_time.now else PAST)
        if last
        else _never_synced_text(row),
        due=user_time.render_relative_cell(due, EITHER) if due else NO_VALUE,
        tools=tool_counts_cell(row),
        tools_note=render_text(figures_brief(row)),
        checked=user_time.render_relative_cell(row.checked_at) if row.checked_at else NO_VALUE,
        checked_note=_checking_note(row),
        owner=row.owner_name or NO_VALUE,
        pending=row.is_check_pending or row.is_sync_running,
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        key_label=row.key_label,
        announcement=announcement % {"name": row.organisation_name, "state": pill.word},
    )


def _never_synced_text(row: KeyRow) -> str:
    return _("never") if row.figures else NO_VALUE


def _state_and_expiry_notes(row: KeyRow, user_time: UserTime) -> str:
    notes = (
        operation_note(row, user_time) or render_text(key_state_note(row)),
        render_text(key_expiry_note(row)),
    )
    return " · ".join(note for note in notes if note)


def _checking_note(row: KeyRow) -> str:
    return _("checking…") if row.is_check_pending else ""


def render_overview_row(
    row: KeyTableRow, *, labels: Mapping[str, str], sprite: str, out_of_band: bool = False
) -> SafeString:
    """One `<tr>`; `out_of_band` makes htmx swap it into a page that is open already."""
    extra = " data-pending" if row.pending else ""
    extra += ' hx-swap-oob="morph"' if out_of_band else ""
    pill = row.pill
    checked = _escape_unless_safe(row.checked) + _render_small(row.checked_note)
    return SafeString(  # nosec B703
        f'<tr id="{row.anchor}" data-part="{row.anchor}" data-digest="{row.digest}" '
        f'data-news="{escape(row.announcement)}" class="tone-{pill.tone}"{extra}>\n'
        f'<td class="c-name"><a href="{escape(row.href)}">{escape(row.name)}</a>'
        f"{_render_key_label(row)}</td>\n"
        f'<td class="c-state"><span class="state tone-{pill.tone}">'
        f'<svg class="icon" aria-hidden="true"><use href="{sprite}#{pill.icon}"/></svg>'
        f"{escape(pill.word)}</span>{_render_small(row.note)}</td>\n"
        f"{_render_cell('last', labels, _escape_unless_safe(row.last))}"
        f"{_render_cell('due', labels, _escape_unless_safe(row.due))}"
        f"{_render_cell('tools', labels, escape(row.tools) + _render_small(row.tools_note))}"
        f"{_render_cell('checked', labels, checked)}"
        f"{_render_cell('owner', labels, escape(row.owner))}</tr>\n"
    )


def _render_cell(name: str, labels: Mapping[str, str], inner: str) -> str:
    return f'<td data-label="{escape(labels[name])}" class="c-{name}">{inner}</td>\n'


def _render_small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""


def _render_key_label(row: KeyTableRow) -> str:
    """Which of several keys, leading to its own page."""
    if not row.label:
        return ""
    return f'<small><a href="{escape(row.key_href)}">{escape(row.label)}</a></small>'


def _escape_unless_safe(value: SafeString | str) -> str:
    return value if isinstance(value, SafeString) else escape(value)

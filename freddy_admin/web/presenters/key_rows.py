"""A key as one row of a list: ready strings, so that the template only prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.headline import key_headline
from freddy_admin.web.presenters.key_actions import (
    NEW_SECRET_STATES,
    ActionButton,
    next_step_button,
    replace_key_button,
)
from freddy_admin.web.presenters.key_expiry import (
    format_day,
    key_expiry_note,
    key_expiry_pill,
    key_expiry_sentence,
)
from freddy_admin.web.presenters.key_owner import owner_to_ask_sentence
from freddy_admin.web.presenters.organisation_key_list import KEY_CARDS_LIMIT
from freddy_admin.web.presenters.state_pill import StatePill, state_pill
from freddy_admin.web.presenters.syncs.operation_status import operation_note
from freddy_admin.web.presenters.user_time import EITHER, PAST, UserTime

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
    return [
        _key_table_row(row, user_time, base_url, known_digests.get(key_row_anchor(row)))
        for row in rows
    ]


def needs_you_card(row: KeyRow, user_time: UserTime) -> NeedsYouCard:
    """The card of a key that needs somebody."""
    if not row.needs_action:
        return _key_expiry_card(row, user_time)
    headline = key_headline(row, user_time)
    base = organisation_url_prefix()
    action = next_step_button(row)
    return NeedsYouCard(
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        href=_organisation_page_href(row, base),
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        pill=state_pill(row.state),
        sentence=headline.sentence,
        next_move=headline.next_move,
        owner="" if action else owner_to_ask_sentence(row),
        since=format_html(_("since {at}"), at=user_time.render_clock(row.state_since)),
        action=action,
    )


def _key_expiry_card(row: KeyRow, user_time: UserTime) -> NeedsYouCard:
    """The card of a key that needs nothing but a new secret before it expires."""
    base, action = organisation_url_prefix(), replace_key_button(row)
    due = format_day(row.expires_on) if row.expires_on else ""
    return NeedsYouCard(
        name=row.organisation_name,
        label=row.key_label if row.keys_in_organisation > 1 else "",
        href=_organisation_page_href(row, base),
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        pill=key_expiry_pill(row),
        sentence=format_html("{}", key_expiry_sentence(row)),
        next_move=format_html("{}", _("A manager makes a new key at Aitronos and pastes it here.")),
        owner="" if action else owner_to_ask_sentence(row),
        since=format_html("{}", due),
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


def values_digest(*values: object) -> str:
    """A short digest of values; equal values give equal digests, in every process."""
    text = "\x1f".join(_stable_text(value) for value in values)
    return f"{crc32(text.encode('utf-8', 'backslashreplace')):08x}"


def tool_counts_cell(row: KeyRow) -> str:
    """Tools on / total."""
    if row.figures is None:
        return NO_VALUE
    return f"{row.figures.enabled_tools:,} / {row.figures.total_tools:,}"


def _stable_text(value: object) -> str:
    if isinstance(value, frozenset | set):
        return ",".join(sorted(str(item) for item in value))
    if isinstance(value, tuple | list):
        return "(" + "\x1e".join(_stable_text(item) for item in value) + ")"
    return str(value)


def _organisation_page_href(row: KeyRow, base: str) -> str:
    page = f"{base}{row.organisation_slug}/"
    return f"{page}#key-{row.key_id}" if 1 < row.keys_in_organisation <= KEY_CARDS_LIMIT else page


def _key_table_row(row: KeyRow, user_time: UserTime, base: str, digest: str | None) -> KeyTableRow:
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
        tools_note=_figures_note_text(row),
        checked=user_time.render_relative_cell(row.checked_at) if row.checked_at else NO_VALUE,
        checked_note=_checking_note(row),
        owner=row.owner_name or NO_VALUE,
        pending=row.is_check_pending or row.is_sync_running,
        key_href=f"{base}{row.organisation_slug}/keys/{row.key_id}/",
        key_label=row.key_label,
        announcement=f"{row.organisation_name}: {pill.word}",
    )


def _never_synced_text(row: KeyRow) -> str:
    return _("never") if row.figures else NO_VALUE


def _state_and_expiry_notes(row: KeyRow, user_time: UserTime) -> str:
    notes = (operation_note(row, user_time) or _state_note(row), key_expiry_note(row))
    return " · ".join(note for note in notes if note)


def _state_note(row: KeyRow) -> str:
    """The note under the state: the last known state, or the reason."""
    if row.state is HealthState.UNKNOWN and row.state_rule == 5:
        return _("was: %(state)s") % {"state": row.last_known_state.label}
    if row.state is HealthState.UNKNOWN and row.state_rule == 7:
        return _("the times do not add up")
    if row.state in {HealthState.OVERDUE, HealthState.LATE} and row.due_at and row.due_at > row.now:
        return _("a planned sync was left out")
    if row.error is None or row.state is HealthState.PAUSED:
        return ""
    # "Key rejected: key refused" says nothing twice; "the key has expired" says something.
    is_redundant = row.state in NEW_SECRET_STATES and not row.error.code.startswith("API_KEY_")
    return "" if is_redundant else failure_wording(row.error).brief


def _figures_note_text(row: KeyRow) -> str:
    if row.figures_are_former and row.figures:
        return _("before the change")
    if row.figures and row.figures.is_inconsistent:
        return _("inconsistent")
    return ""


def _checking_note(row: KeyRow) -> str:
    return _("checking…") if row.is_check_pending else ""

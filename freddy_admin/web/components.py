"""Parts that several pages show: a state's pill, a select's options, a key's buttons and row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from operator import attrgetter
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.organisations.access import actor_display_name, person_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health import CLOCK_TOLERANCE
from freddy_admin.sync.health_states import NEW_SECRET_STATES, HealthState
from freddy_admin.sync.status.rows import KeyRow, SyncFigures
from freddy_admin.web.htmx import values_digest
from freddy_admin.wording import incidents as words
from freddy_admin.wording.keys import (
    figures_brief,
    key_expiry_note,
    key_state_note,
    requested_sync_note,
)
from freddy_admin.wording.next_steps import key_action
from freddy_admin.wording.notices import NoticeWording
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    format_number,
    render_html,
    render_text,
    say,
)
from freddy_admin.wording.states import STATE_WORDINGS, KeyAction
from freddy_admin.wording.times import EITHER, FUTURE, UserTime

NO_VALUE = "—"
# More keys than this are a list; each has a page of its own.
KEY_CARDS_LIMIT = 4
_NEW_SECRET_ACTIONS = frozenset({KeyAction.REPLACE_KEY, KeyAction.PASTE_KEY_AGAIN})


@dataclass(frozen=True, slots=True)
class StatePill:
    """A state ready for a template."""

    value: str
    word: str
    tone: str
    icon: str


def state_pill(state: HealthState) -> StatePill:
    """The state's word with its style, in the active language."""
    return _state_pill(state, get_language())


@lru_cache(maxsize=64)
def _state_pill(state: HealthState, language: str | None) -> StatePill:
    # Kept: a list shows a few states hundreds of times.
    del language  # part of the cache's key: the label is read in the active one
    wording = STATE_WORDINGS[state]
    return StatePill(value=state.value, word=wording.label, tone=wording.tone, icon=wording.icon)


@dataclass(frozen=True, slots=True)
class SelectOption:
    """What it is called in the address, what people read, and whether it is the chosen one."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True, slots=True)
class ActionButton:
    """A link, or a form with one button where `uses_post`; `is_busy` locks the button."""

    label: str
    href: str
    icon: str
    uses_post: bool = False
    is_busy: bool = False


def banner_context(notice: NoticeWording, user_time: UserTime) -> dict[str, str]:
    """A notice for `components/_banners.html`."""
    return {
        "tone": notice.tone,
        "icon": notice.icon,
        "title": render_text(notice.title, user_time),
        "words": render_html(notice.words, user_time),
        "anchor": f"notice-{values_digest(notice.kind)}",
        "support_text": notice.support_text,
    }


def key_page_url(row: KeyRow, name: str) -> str:
    """The address of one of this key's pages."""
    return reverse(name, args=[row.organisation_slug, row.key_id])


def check_now_button(row: KeyRow) -> ActionButton | None:
    """*Check now*, locked while a check is under way; None where it is not offered."""
    if Permission.CHECK not in row.permissions or row.state is HealthState.PAUSED:
        return None
    button = _action_button(row, KeyAction.CHECK_NOW)
    return replace(button, label=_("Checking…"), is_busy=True) if row.is_check_pending else button


def start_sync_button(row: KeyRow) -> ActionButton | None:
    """*Start a sync*, locked for everyone while one runs; None where it is not offered."""
    if Permission.START_SYNC not in row.permissions or row.state is HealthState.PAUSED:
        return None
    if row.state in NEW_SECRET_STATES:
        return None  # Aitronos would refuse it: another key comes first
    if row.is_sync_running:
        label = _("Sync asked for by %(who)s…") % {"who": row.operation_requested_by}
        return ActionButton(label, key_page_url(row, "key_sync"), "refresh", is_busy=True)
    return _action_button(row, KeyAction.START_SYNC)


def next_step_button(row: KeyRow) -> ActionButton | None:
    """What this person can do about the row's state; None where it is somebody else's move."""
    action = key_action(row)
    if action in _NEW_SECRET_ACTIONS and row.candidate_state:
        return decide_button(row)
    if action is KeyAction.START_SYNC and (start := start_sync_button(row)):
        return start
    if action in {KeyAction.START_SYNC, KeyAction.CHECK_NOW}:
        return check_now_button(row)
    if action is None or action.permission not in row.permissions:
        return None
    return _action_button(row, action)


def replace_key_button(row: KeyRow) -> ActionButton | None:
    """*Replace the key*, for those who may; where a new one is there already, *Decide*."""
    if row.candidate_state:
        return decide_button(row)
    if Permission.MANAGE_KEYS not in row.permissions:
        return None
    return _action_button(row, KeyAction.REPLACE_KEY)


def decide_button(row: KeyRow) -> ActionButton | None:
    """*Decide about the new key*, for those who may; the one in place of pasting yet another."""
    if Permission.MANAGE_KEYS not in row.permissions:
        return None
    return decision_link(key_page_url(row, "key"), row.key_id)


def decision_link(key_url: str, key_id: int) -> ActionButton:
    """*Decide about the new key*: the part of the key's page where that is done."""
    return ActionButton(_("Decide about the new key"), f"{key_url}#candidate-{key_id}", "key")


def _action_button(row: KeyRow, action: KeyAction) -> ActionButton:
    href = key_page_url(row, action.url_name)
    return ActionButton(str(action.label), href, action.icon, uses_post=action.uses_post)


def incident_line(row: KeyRow, user_time: UserTime, *, origin: str) -> dict[str, Any] | None:
    """The open incident of this row for `incident/_line.html`; None without one.

    Its buttons lead back to `origin`, a name that the incident's views know.
    """
    if (incident := row.incident) is None:
        return None
    sentence, until = say(words.INCIDENT_LINE_OPEN), _incident_muted_until(row)
    if incident["assignee_id"] is not None:
        name, address = incident["assignee_name"] or "", incident["assignee_email"] or ""
        who = person_display_name(name, address, row.permissions)
        sentence = say(words.INCIDENT_LINE_ASSIGNED, who=who)
    elif incident["state"] == "acknowledged":
        who = actor_display_name(incident["acknowledged_by"], row.permissions)
        sentence = say(words.INCIDENT_LINE_ACKNOWLEDGED, who=who)
    muted = say(words.INCIDENT_LINE_MUTED, until=Moment(until)) if until else EMPTY
    return {
        "href": f"{organisations_url()}{row.organisation_slug}/incidents/{incident['id']}/",
        "anchor": f"incident-{row.key_id}",
        "words": render_html((sentence, muted), user_time),
        "may_handle": Permission.HANDLE_INCIDENTS in row.permissions,
        "is_acknowledged": incident["state"] == "acknowledged",
        "origin": origin,
    }


def key_row_incident(row: KeyRow) -> tuple[object, ...] | None:
    """What is shown of the open incident of a row, for digests."""
    return (*row.incident.values(), _incident_muted_until(row)) if row.incident else None


def _incident_muted_until(row: KeyRow) -> datetime | None:
    if not row.incident or not row.incident["muted_until"]:
        return None
    until = datetime.fromisoformat(row.incident["muted_until"])
    until = until if until.tzinfo else until.replace(tzinfo=UTC)  # SQLite writes no zone
    return until if until > row.now else None


def tool_counts_text(enabled: int, total: int) -> str:
    """`7 / 1,042`: tools that are on, and all."""
    return f"{format_number(enabled)} / {format_number(total)}"


def tool_counts_cell(row: KeyRow) -> str:
    """Tools on / total."""
    figures = row.figures
    return tool_counts_text(figures.enabled_tools, figures.total_tools) if figures else NO_VALUE


def key_row_digests(rows: Iterable[KeyRow], *, with_checks: bool = False) -> dict[str, str]:
    """The digest of each row by its anchor; a check that changed nothing is one `with_checks`."""
    pairs = ((row, with_checks * values_digest(row.checked_at)) for row in rows)
    return {key_row_anchor(row): key_row_digest(row) + checked for row, checked in pairs}


def key_row_anchor(row: KeyRow) -> str:
    """The name of this line in the page."""
    return f"row-{row.key_id}"


_digest_values = attrgetter(
    *("state.value", "state_since", "state_rule", "last_known_state.value", "figures_are_former"),
    *("failing_since", "candidate_state", "is_check_pending", "key_version", "environment"),
    *("organisation_name", "key_label", "keys_in_organisation", "owner_name", "owner_is_user"),
    *("paused_at", "expires_on", "operation_requested_at", "operation_state"),
    *("is_operation_late", "is_sync_running"),
)
_figure_values = attrgetter(*(figure.name for figure in fields(SyncFigures)))
_error_values = attrgetter("kind", "code", "http_status", "message", "field", "detail")


def key_row_digest(row: KeyRow) -> str:
    """A digest of what is shown of the row, but of its latest check; times as they are."""
    values = (
        *(_digest_values(row), _sorted_names(row.permissions)),
        row.figures and _figure_values(row.figures),
        row.error and _error_values(row.error),
        (_is_due_past(row), _is_last_sync_ahead(row)),
        row.needs_attention and (row.owner_can, row.members_can),
        row.refusal and (row.refusal, row.refused_group, row.others_work),
        key_row_incident(row),
        row.is_expiring_soon and row.days_until_expiry,
    )
    return values_digest(repr(values))  # at once: a thousand rows have forty values each


@lru_cache(maxsize=32)
def _sorted_names(permissions: frozenset[Permission]) -> str:
    return ",".join(sorted(permissions))


def key_urls(row: KeyRow, organisations_url: str) -> tuple[str, str]:
    """The address of the organisation's page, at this key's card if it has several; of the key's.

    Below `organisations_url()`, for reversing addresses in a loop is slow.
    """
    page = f"{organisations_url}{row.organisation_slug}/"
    has_card = 1 < row.keys_in_organisation <= KEY_CARDS_LIMIT
    return f"{page}#key-{row.key_id}" if has_card else page, f"{page}keys/{row.key_id}/"


def organisations_url() -> str:
    """`/organisations/`, below which the pages of organisations and keys are."""
    return reverse("organisation", args=["x"]).removesuffix("x/")


def render_key_rows(
    rows: Iterable[KeyRow],
    user_time: UserTime,
    digests: Mapping[str, str],
    *,
    has_organisation: bool = True,
    out_of_band: bool = False,
) -> SafeString:
    """One `<tr>` per key: its name, state, last and next sync, tools, last check and owner.

    `digests` are those of `key_row_digests`. The name is that of the organisation, or without
    `has_organisation` that of the key. `out_of_band` makes htmx swap the rows into a page that is
    open already.
    """
    labels = {  # Python, not a template, and asked for once: 50 rows were half of the time
        "last": escape(_("Last synced")),
        "due": escape(_("Expected next")),
        "tools": escape(_("Tools on / total")),
        "checked": escape(_("Checked")),
        "owner": escape(_("Owner")),
    }
    base, news, sprite = organisations_url(), _("%(name)s: %(state)s"), static("img/icons.svg")
    swap = ' hx-swap-oob="morph"' if out_of_band else ""
    htmls, pills = [], dict[HealthState, tuple[StatePill, str, str]]()
    for row in rows:
        anchor = key_row_anchor(row)
        if row.state not in pills:  # a thousand rows have a few states
            pill = state_pill(row.state)
            icon = f'<svg class="icon" aria-hidden="true"><use href="{sprite}#{pill.icon}"/></svg>'
            pills[row.state] = pill, str(pill.word), f"{icon}{escape(pill.word)}"
        pill, word, pill_html = pills[row.state]
        name, name_html = _key_row_name(row, base, has_organisation=has_organisation)
        pending = " data-pending" if row.is_check_pending or row.is_sync_running else ""
        cells = "".join(
            f'<td data-label="{labels[cell]}" class="c-{cell}">{html}</td>\n'
            for cell, html in _key_row_cells(row, user_time).items()
        ).replace(' class="c-checked"', f' class="c-checked" id="checked-{row.key_id}"', 1)
        htmls.append(
            f'<tr id="{anchor}" data-part="{anchor}" data-digest="{digests[anchor]}" '
            f'data-news="{escape(news % {"name": name, "state": word})}" '
            f'class="tone-{pill.tone}"{pending}{swap}>\n'
            f'<td class="c-name">{name_html}</td>\n'
            f'<td class="c-state"><span class="state tone-{pill.tone}">'
            f"{pill_html}</span>{_render_small(_key_row_note(row, user_time))}</td>\n"
            f"{cells}</tr>\n"
        )
    return SafeString("".join(htmls))  # nosec B703  every text from outside is escaped


def render_checked(row: KeyRow, user_time: UserTime) -> str:
    """When the key was checked last, and that it is being checked."""
    checked = user_time.render_relative_cell(row.checked_at) if row.checked_at else NO_VALUE
    return checked + _render_small(_("checking…") if row.is_check_pending else "")


def _key_row_cells(row: KeyRow, user_time: UserTime) -> dict[str, str]:
    """The HTML of the cells that are labelled on narrow screens, where a row is a card."""
    due = row.due_at
    return {
        "last": render_last_sync_cell(row, user_time),
        "due": _render_due(row, due, user_time) if due else NO_VALUE,
        "tools": escape(tool_counts_cell(row)) + _render_small(render_text(figures_brief(row))),
        "checked": render_checked(row, user_time),
        "owner": escape(row.owner_name) or NO_VALUE,
    }


def render_last_sync_cell(row: KeyRow, user_time: UserTime) -> SafeString:
    """How long ago the last sync was; `never` where there was none, and a dash without figures."""
    last = row.figures.last_sync_at if row.figures else None
    if last is None:
        return SafeString(escape(_("never")) if row.figures else NO_VALUE)  # nosec B703  both are ours
    if not _is_last_sync_ahead(row):
        return user_time.render_relative_cell(last)
    # One that lies ahead is odd, and must not read as "just now".
    ahead = user_time.render_relative_cell(last, EITHER)
    return SafeString(ahead + _render_small(_("lies in the future")))  # nosec B703


def _render_due(row: KeyRow, due: datetime, user_time: UserTime) -> str:
    """When the next sync is expected, or that the time for it is over: the head says "next"."""
    if not _is_due_past(row):
        return user_time.render_relative_cell(due, FUTURE)
    is_missed = row.state in {HealthState.OVERDUE, HealthState.NEVER_SYNCED}
    text = _("missed %(ago)s") if is_missed else _("was due %(ago)s")
    return escape(text) % {"ago": user_time.render_relative_cell(due)}


def _is_due_past(row: KeyRow) -> bool:
    return row.due_at is not None and row.due_at <= row.now


def _is_last_sync_ahead(row: KeyRow) -> bool:
    last = row.figures.last_sync_at if row.figures else None
    return last is not None and last > row.now + CLOCK_TOLERANCE


def _key_row_name(row: KeyRow, base: str, *, has_organisation: bool) -> tuple[str, str]:
    """The name of the organisation, with links to it and to which of its keys; or of the key."""
    url, key_url = key_urls(row, base)
    key_link = f'<a href="{escape(key_url)}">{escape(row.key_label)}</a>'
    if not has_organisation:
        return row.key_label, key_link + _environment_mark(row)
    link = f'<a href="{escape(url)}">{escape(row.organisation_name)}</a>'
    small = f"<small>{key_link}</small>" if row.keys_in_organisation > 1 else ""
    return row.organisation_name, link + small + _environment_mark(row)


def _environment_mark(row: KeyRow) -> str:
    """The environment beside the name; nothing for the default one, which most keys belong to."""
    mark = f' <span class="mark mark-quiet">{escape(row.environment)}</span>'
    return "" if row.environment == DEFAULT_ENVIRONMENT else mark


def _key_row_note(row: KeyRow, user_time: UserTime) -> str:
    notes = (
        render_text(requested_sync_note(row), user_time) or render_text(key_state_note(row)),
        render_text(key_expiry_note(row)),
    )
    return " · ".join(note for note in notes if note)


def _render_small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""

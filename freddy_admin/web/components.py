"""Parts that several pages show: a state's pill, the options of a select, a key's buttons."""

from dataclasses import dataclass, replace
from functools import lru_cache

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import NEW_SECRET_STATES, HealthState
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.wording.sentences import format_number
from freddy_admin.wording.states import STATE_WORDINGS, KeyAction, key_action


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
    if action is KeyAction.START_SYNC and (start := start_sync_button(row)):
        return start
    if action in {KeyAction.START_SYNC, KeyAction.CHECK_NOW}:
        return check_now_button(row)
    if action is None or action.permission not in row.permissions:
        return None
    return _action_button(row, action)


def replace_key_button(row: KeyRow) -> ActionButton | None:
    """*Replace the key*, for those who may."""
    if Permission.MANAGE_KEYS not in row.permissions:
        return None
    return _action_button(row, KeyAction.REPLACE_KEY)


def _action_button(row: KeyRow, action: KeyAction) -> ActionButton:
    href = key_page_url(row, action.url_name)
    return ActionButton(str(action.label), href, action.icon, uses_post=action.uses_post)


def tool_counts_text(enabled: int, total: int) -> str:
    """`7 / 1,042`: tools that are on, and all."""
    return f"{format_number(enabled)} / {format_number(total)}"


NO_VALUE = "—"
# More keys than this are a list; each has a page of its own.
KEY_CARDS_LIMIT = 4

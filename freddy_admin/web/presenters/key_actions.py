"""The buttons beside the state of a key, for who may press them."""

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import NEW_SECRET_STATES, HealthState
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.wording.states import KeyAction, key_action


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

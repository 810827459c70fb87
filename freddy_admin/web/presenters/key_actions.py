"""The buttons beside the state of a key, for who may press them."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.types import KeyRow

NEW_SECRET_STATES = {
    HealthState.KEY_UNREADABLE,
    HealthState.KEY_REJECTED,
    HealthState.KEY_NOT_PERMITTED,
}
_SYNC_HELPS_STATES = {HealthState.OVERDUE, HealthState.NEVER_SYNCED}


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
    label = _("Checking…") if row.is_check_pending else _("Check now")
    href = key_page_url(row, "key_check")
    return ActionButton(label, href, "refresh", uses_post=True, is_busy=row.is_check_pending)


def start_sync_button(row: KeyRow) -> ActionButton | None:
    """*Start a sync*, locked for everyone while one runs; None where it is not offered."""
    if Permission.START_SYNC not in row.permissions or row.state is HealthState.PAUSED:
        return None
    if row.state in NEW_SECRET_STATES:
        return None  # Aitronos would refuse it: another key comes first
    if row.is_sync_running:
        label = _("Sync asked for by %(who)s…") % {"who": row.operation_requested_by}
        return ActionButton(label, key_page_url(row, "key_sync"), "refresh", is_busy=True)
    return ActionButton(_("Start a sync"), key_page_url(row, "key_sync"), "player-play")


def next_step_button(row: KeyRow) -> ActionButton | None:
    """What this person can do about the row's state; None where nobody or somebody else acts."""
    can_manage = Permission.MANAGE_KEYS in row.permissions
    if row.state in NEW_SECRET_STATES and can_manage:
        check_again = row.state is HealthState.KEY_UNREADABLE
        label = _("Paste the key again") if check_again else _("Replace the key")
        return ActionButton(label, key_page_url(row, "key_replace"), "key")
    if row.state is HealthState.PAUSED:
        resume = ActionButton(
            _("Resume"), key_page_url(row, "key_resume"), "player-play", uses_post=True
        )
        return resume if can_manage else None
    if (
        row.state in NEW_SECRET_STATES
        or row.state is HealthState.UP_TO_DATE
        or is_master_key_failure(row)
    ):
        return None
    if row.state in _SYNC_HELPS_STATES and (start := start_sync_button(row)):
        return start
    return check_now_button(row)


def replace_key_button(row: KeyRow) -> ActionButton | None:
    """*Replace the key*, for those who may."""
    if Permission.MANAGE_KEYS not in row.permissions:
        return None
    return ActionButton(_("Replace the key"), key_page_url(row, "key_replace"), "key")


def is_master_key_failure(row: KeyRow) -> bool:
    """Whether the row suffers from the panel's own master key, which no manager can cure."""
    return row.error is not None and row.error.kind == LocalFailureKind.MASTER_KEY_MISFIT

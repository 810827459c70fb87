"""The one button beside a state: what moves it on, for somebody who may do it."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.outcomes import OwnFailure
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import State

PASTE = {State.KEY_UNREADABLE, State.KEY_REJECTED, State.KEY_NOT_PERMITTED}
_SYNC_HELPS = {State.OVERDUE, State.NEVER_SYNCED}


@dataclass(frozen=True, slots=True)
class Action:
    """A link, or a form with one button where `posts`; `busy` locks it."""

    label: str
    href: str
    icon: str
    posts: bool = False
    busy: bool = False


def key_path(row: KeyRow, name: str) -> str:
    """The address of one of this key's pages."""
    return reverse(name, args=[row.organisation_slug, row.key_id])


def check_action(row: KeyRow) -> Action | None:
    """*Check now*, locked while a check is under way; None where it is not offered."""
    if Permission.CHECK not in row.permissions or row.state is State.PAUSED:
        return None
    label = _("Checking…") if row.check_pending else _("Check now")
    href = key_path(row, "key_check")
    return Action(label, href, "refresh", posts=True, busy=row.check_pending)


def sync_action(row: KeyRow) -> Action | None:
    """*Start a sync*, locked for everyone while one runs; None where it is not offered."""
    if Permission.START_SYNC not in row.permissions or row.state is State.PAUSED:
        return None
    if row.state in PASTE:
        return None  # Aitronos would refuse it: another key comes first
    if row.sync_running:
        label = _("Sync asked for by %(who)s…") % {"who": row.order_by}
        return Action(label, key_path(row, "key_sync"), "refresh", busy=True)
    return Action(_("Start a sync"), key_path(row, "key_sync"), "player-play")


def next_action(row: KeyRow) -> Action | None:
    """What this person can do about the row's state; None where it is somebody else's move."""
    manages = Permission.MANAGE_KEYS in row.permissions
    if row.state in PASTE and manages:
        again = row.state is State.KEY_UNREADABLE
        label = _("Paste the key again") if again else _("Replace the key")
        return Action(label, key_path(row, "key_replace"), "key")
    if row.state is State.PAUSED:
        resume = Action(_("Resume"), key_path(row, "key_resume"), "player-play", posts=True)
        return resume if manages else None
    if row.state in PASTE or row.state is State.UP_TO_DATE or is_platform_fault(row):
        return None
    if row.state in _SYNC_HELPS and (start := sync_action(row)):
        return start
    return check_action(row)


def replace_action(row: KeyRow) -> Action | None:
    """*Replace the key*, for those who may."""
    if Permission.MANAGE_KEYS not in row.permissions:
        return None
    return Action(_("Replace the key"), key_path(row, "key_replace"), "key")


def is_platform_fault(row: KeyRow) -> bool:
    """Whether the row suffers from the panel's own master key, which no manager can cure."""
    return row.error is not None and row.error.kind == OwnFailure.MASTER_KEY_MISFIT

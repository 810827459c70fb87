"""Whose move it is: who can do what a key needs, and what this reader is offered."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.health_states import NEW_SECRET_STATES
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.wording.sentences import EMPTY, Sentence, Text, say
from freddy_admin.wording.states import STATE_WORDINGS, KeyAction, refusal_wording


def key_next_move(row: KeyRow) -> Sentence:
    """Whose move it is; empty where it is nobody's."""
    if row.is_panel_fault:
        return say(_("This is for the people who run this panel, not for you."))
    if row.is_refused_alike:
        return say(_("The people who run this panel find out why, with Aitronos."))
    action = STATE_WORDINGS[row.state].action
    is_members_move = row.needs_action and not row.is_nobodys_move
    if is_members_move and not row.members_can and action in _ADMIN_MOVES:
        return say(_ADMIN_MOVES[action])
    refusal = refusal_wording(row)
    if refusal and refusal.next_move:
        return say(refusal.next_move)
    return say(STATE_WORDINGS[row.state].next_move)


# Where nobody of the organisation can make the move.
_ADMIN_MOVES: Final[Mapping[KeyAction | None, Text]] = {
    KeyAction.PASTE_KEY_AGAIN: _(
        "A platform admin pastes the key again: this organisation has no manager."
    ),
    KeyAction.REPLACE_KEY: _(
        "A platform admin pastes a key that works: this organisation has no manager."
    ),
    KeyAction.START_SYNC: _(
        "A platform admin starts a sync: this organisation has nobody else who may."
    ),
}


def responsible_party(row: KeyRow, usual: Text) -> Text:
    """Who can fix what is wrong: `usual`, where the organisation has somebody who can.

    Empty where the key's owner alone can, who is named beside it.
    """
    if row.is_refused_alike:
        return _("The people who run this panel, with Aitronos.")
    if row.move_permission is None or row.members_can:
        return usual
    if row.owner_can and row.owner_name:
        return ""
    if row.is_own_move:
        return _("You, as a platform admin: this organisation has nobody else who may.")
    return _("A platform admin: this organisation has nobody who may.")


def problem_advice(row: KeyRow, usual: Text) -> Text:
    """What to do: `usual`, but nothing at a key that is refused like others."""
    if row.is_refused_alike:
        return _("Leave the key as it is: others are refused in the same way.")
    return usual


def key_action(row: KeyRow) -> KeyAction | None:
    """What moves the key on, whoever may do it; None where nothing does."""
    if row.is_refused_alike:
        return KeyAction.CHECK_NOW
    action, refusal = STATE_WORDINGS[row.state].action, refusal_wording(row)
    if action in {KeyAction.START_SYNC, KeyAction.CHECK_NOW} and row.is_panel_fault:
        return None
    return KeyAction.CHECK_NOW if refusal and not refusal.needs_new_key else action


_NEW_KEY_MOVE: Final = _("A manager makes a new key at Aitronos and pastes it here.")
_NEW_KEY_MOVE_OF_ADMIN: Final = _(
    "A platform admin pastes a new key here: this organisation has no manager."
)


def new_key_move(row: KeyRow) -> Sentence:
    """Who replaces a key that expires."""
    return say(_NEW_KEY_MOVE if row.members_can else _NEW_KEY_MOVE_OF_ADMIN)


def owner_to_ask(row: KeyRow) -> Sentence:
    """The owner, where asking helps; empty where another has to act, whatever the reason."""
    is_in_vain = row.is_panel_fault or row.is_nobodys_move
    if not row.owner_name or not row.owner_can or is_in_vain:
        return EMPTY
    if row.owner_is_user:
        return say(_("You look after this key."))
    return say(_("Ask {name}, who looks after this key."), name=row.owner_name)


# What somebody of the organisation can mend; Aitronos and networks nobody of ours can.
_OWNER_FIXABLE_KINDS = frozenset(
    {
        FailureKind.KEY_REFUSED,
        FailureKind.KEY_NOT_PERMITTED,
        FailureKind.INVALID_SECRET,
        LocalFailureKind.KEY_UNREADABLE,
    }
)


def owner_to_ask_about_problem(row: KeyRow) -> Sentence:
    """Whom to ask about what is wrong; empty where nobody of ours can mend it."""
    if row.error is None:
        return owner_to_ask(row) if row.needs_action else EMPTY
    is_owner_fixable = row.state in NEW_SECRET_STATES or row.error.kind in _OWNER_FIXABLE_KINDS
    return owner_to_ask(row) if is_owner_fixable else EMPTY

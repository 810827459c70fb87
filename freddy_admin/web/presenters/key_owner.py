"""Whom to ask about a key: the person who looks after it, where it has one."""

from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.presenters.key_actions import NEW_SECRET_STATES, is_master_key_failure

# What somebody of the organisation can mend; Aitronos and networks nobody of ours can.
_OWNER_FIXABLE_KINDS = frozenset(
    {
        FailureKind.KEY_REFUSED,
        FailureKind.KEY_NOT_PERMITTED,
        FailureKind.INVALID_SECRET,
        LocalFailureKind.KEY_UNREADABLE,
    }
)


def owner_to_ask_about_problem_sentence(row: KeyRow) -> str:
    """Whom to ask about what is wrong; empty where nobody of ours can mend it."""
    if row.error is None:
        return owner_to_ask_sentence(row) if row.needs_action else ""
    is_owner_fixable = row.state in NEW_SECRET_STATES or row.error.kind in _OWNER_FIXABLE_KINDS
    return owner_to_ask_sentence(row) if is_owner_fixable else ""


def owner_to_ask_sentence(row: KeyRow) -> str:
    """Whom to ask; empty without an owner, and where the panel itself is at fault."""
    if not row.owner_name or is_master_key_failure(row):
        return ""
    if row.owner_is_user:
        return _("You look after this key.")
    return _("Ask %(name)s, who looks after this key.") % {"name": row.owner_name}

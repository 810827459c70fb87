"""Whom to ask about a key: the person who looks after it, where it has one."""

from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.outcomes import OwnFailure
from freddy_admin.sync.rows import KeyRow
from freddy_admin.web.presenters.actions import PASTE, is_platform_fault

# What somebody of the organisation can mend; Aitronos and networks nobody of ours can.
_OURS = frozenset(
    {
        FailureKind.KEY_REFUSED,
        FailureKind.KEY_NOT_PERMITTED,
        FailureKind.INVALID_SECRET,
        OwnFailure.KEY_UNREADABLE,
    }
)


def owner_of_trouble(row: KeyRow) -> str:
    """Whom to ask about what is wrong; empty where nobody of ours can mend it."""
    if row.error is None:
        return owner_sentence(row) if row.needs_you else ""
    mends = row.state in PASTE or row.error.kind in _OURS
    return owner_sentence(row) if mends else ""


def owner_sentence(row: KeyRow) -> str:
    """Whom to ask; empty without an owner, and where the panel itself is at fault."""
    if not row.owner_name or is_platform_fault(row):
        return ""
    if row.owner_is_reader:
        return _("You look after this key.")
    return _("Ask %(name)s, who looks after this key.") % {"name": row.owner_name}

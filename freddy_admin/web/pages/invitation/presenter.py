"""An open invitation in words, for those who may invite."""

from typing import Any

from django.utils.translation import gettext as _

from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.access import actor_name_without_address
from freddy_admin.organisations.models import Invitation
from freddy_admin.organisations.roles import Role
from freddy_admin.wording.invitations import invitation_state
from freddy_admin.wording.roles import role_name
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import UserTime


def invitation_row(
    invitation: Invitation, mail: OutboxMessage | None, user_time: UserTime
) -> dict[str, Any]:
    """One invitation with what became of it so far; `mail` as `invitation_mails_unsent` has it."""
    tone, icon, state = invitation_state(invitation, mail, user_time.now)
    is_expired = invitation.expires_at <= user_time.now
    return {
        "id": invitation.pk,
        "email": invitation.email,
        "role": role_name(Role(invitation.role)),
        "inviter": actor_name_without_address(invitation.invited_by),
        "tone": tone,
        "icon": icon,
        "is_given_up": mail is not None and mail.given_up_at is not None,
        "state": render_text(state, user_time),
        "sent": user_time.render_relative_cell(invitation.sent_at or invitation.requested_at),
        "expires": _("expired") if is_expired else user_time.render_clock(invitation.expires_at),
    }

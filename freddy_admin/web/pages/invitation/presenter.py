"""An open invitation in words, for those who may invite."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.access import actor_name_without_address
from freddy_admin.organisations.invitation_addresses import InvitationOutcome
from freddy_admin.organisations.models import Invitation
from freddy_admin.organisations.roles import Role
from freddy_admin.wording.invitations import invitation_state
from freddy_admin.wording.roles import role_name
from freddy_admin.wording.sentences import format_number, render_text
from freddy_admin.wording.states import BAD, GOOD
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


def invitations_sent_message(outcomes: Sequence[InvitationOutcome]) -> str:
    """What is said where all of these addresses are invited."""
    if len(outcomes) == 1:
        message = _("%(email)s is invited: a mail with a link goes out in a moment.")
        return message % {"email": outcomes[0].address}
    message = ngettext(
        "%(n)s person is invited: a mail with a link goes out in a moment.",
        "%(n)s people are invited: mails with a link go out in a moment.",
        len(outcomes),
    )
    return message % {"n": format_number(len(outcomes))}


def invitation_outcomes(outcomes: Sequence[InvitationOutcome]) -> dict[str, Any] | None:
    """What came of each of several addresses, and of how many; None for a single one."""
    if len(outcomes) < 2:
        return None
    invited_count = sum(not outcome.problem for outcome in outcomes)
    message = ngettext(
        "%(invited)s of %(n)s person is invited",
        "%(invited)s of %(n)s people are invited",
        len(outcomes),
    )
    return {
        "title": message
        % {"invited": format_number(invited_count), "n": format_number(len(outcomes))},
        "rows": [
            {
                "address": outcome.address,
                "tone": BAD if outcome.problem else GOOD,
                "icon": "alert-triangle" if outcome.problem else "circle-check",
                "words": outcome.problem or _("Invited"),
            }
            for outcome in outcomes
        ],
    }

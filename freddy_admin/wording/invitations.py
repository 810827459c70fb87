"""What became of an invitation, for those who may invite."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from freddy_admin.organisations.models import Invitation
from freddy_admin.wording.sentences import Moment, Sentence, say
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN


def invitation_state(invitation: Invitation, now: datetime) -> tuple[str, str, Sentence]:
    """Whether its mail was sent, and whether it is still good: tone, icon and words."""
    next_attempt_at = invitation.next_attempt_at
    if invitation.expires_at <= now:
        return WARN, "clock-exclamation", say(_("Expired"))
    if next_attempt_at is None:
        return GOOD, "circle-check", say(_("Sent"))
    if invitation.attempts:
        sentence = say(_("Not sent yet, next try at {at}"), at=Moment(next_attempt_at))
        return BAD, "alert-triangle", sentence
    return QUIET, "hourglass", say(_("Goes out in a moment"))

"""What became of an invitation, for those who may invite."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.models import Invitation
from freddy_admin.wording.outbox import mail_given_up_sentence
from freddy_admin.wording.sentences import Moment, Sentence, say
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN


def invitation_state(
    invitation: Invitation, mail: OutboxMessage | None, now: datetime
) -> tuple[str, str, Sentence]:
    """Whether its mail was sent, and whether it is still good: tone, icon and words.

    `mail` is the one that waits or was given up.
    """
    if invitation.expires_at <= now:
        return WARN, "clock-exclamation", say(_("Expired"))
    if mail is None:
        if invitation.sent_at is None:
            return BAD, "alert-triangle", say(_("Not sent"))
        return GOOD, "circle-check", say(_("Sent"))
    if mail.next_attempt_at is None:
        failing_since = mail.failing_since or mail.requested_at
        return BAD, "alert-triangle", mail_given_up_sentence(mail.reason, failing_since)
    if mail.failing_since is not None:
        sentence = say(_("Not sent yet, next try at {at}"), at=Moment(mail.next_attempt_at))
        return BAD, "alert-triangle", sentence
    return QUIET, "hourglass", say(_("Goes out in a moment"))

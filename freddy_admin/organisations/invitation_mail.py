"""Sends invitations: the worker's part. A mail server that is away costs nothing but time."""

import logging
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.audit.services import WORKER, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.invitations import invitations_good, token_digest
from freddy_admin.organisations.models import Invitation
from freddy_admin.organisations.names import actor_shown

log = logging.getLogger(__name__)

AT_ONCE = 20
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=4)


def invitations_send_due(*, limit: int = AT_ONCE) -> int:
    """Send what is due, one after the other; how many went out. Any number may run at once."""
    due = _due().order_by("next_attempt_at").values_list("pk", flat=True)[:limit]
    return sum(_send(pk) for pk in list(due))


def _due() -> QuerySet[Invitation]:
    return invitations_good().filter(next_attempt_at__lte=clock.now())


def _send(pk: int) -> bool:
    token = secrets.token_urlsafe(32)
    row = _claim(pk, token)
    if row is None:
        return False
    try:
        _mail(row, token).send()
    except Exception as error:  # noqa: BLE001  whatever it is, the next attempt is written down
        # Its text may name the person or the server.
        log.warning("An invitation was not sent (%s); it is tried again.", type(error).__name__)
        return False
    _sent(row)
    return True


@transaction.atomic
def _claim(pk: int, token: str) -> Invitation | None:
    """The row, its next attempt put off; the link is known to the mail alone."""
    row = _due().select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
    if row is None:
        return None
    row.digest, row.attempts = token_digest(token), row.attempts + 1
    row.next_attempt_at = clock.now() + back_off(row.attempts)
    row.save(update_fields=["digest", "attempts", "next_attempt_at"])
    return row


@transaction.atomic
def _sent(row: Invitation) -> None:
    # Unless somebody asked for it anew, or withdrew it, while the mail was on its way.
    same = Invitation.objects.filter(pk=row.pk, digest=row.digest, asked_at=row.asked_at)
    if same.update(sent_at=clock.now(), next_attempt_at=None):
        place = place_of(row.organisation)
        audit_record(tag=Tag.INVITATION_SENT, actor=WORKER, place=place, subject=row.email)


def back_off(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 1, 2, 4 … 240 minutes."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(attempts - 1, 10)))


def _mail(row: Invitation, token: str) -> EmailMessage:
    told = {
        "inviter": actor_shown(row.invited_by),
        "organisation": row.organisation.name,
        "role": row.get_role_display(),
        # Never the host of somebody's request: there is none here.
        "link": settings.PANEL_URL + reverse("invitation", args=[token]),
    }
    subject = _("%(inviter)s invites you to %(organisation)s in Freddy Admin") % told
    return EmailMessage(subject, render_to_string("mail/invitation.txt", told), to=[row.email])

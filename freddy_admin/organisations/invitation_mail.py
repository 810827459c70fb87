"""Sends invitation mails from the worker, with retries while the mail server is down."""

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

from freddy_admin.audit.services import WORKER, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.organisations.access import actor_display_name, organisation_audit_ref
from freddy_admin.organisations.invitations import token_digest, valid_invitations
from freddy_admin.organisations.models import Invitation

log = logging.getLogger(__name__)
SEND_BATCH_SIZE = 20
_MIN_RETRY_DELAY, _MAX_RETRY_DELAY = timedelta(minutes=1), timedelta(hours=4)


def invitations_send_due(*, limit: int = SEND_BATCH_SIZE) -> int:
    """Send due invitations one by one; returns how many were sent. Safe to run concurrently."""
    due_ids = _due_invitations().order_by("next_attempt_at").values_list("pk", flat=True)[:limit]
    return sum(_invitation_send(pk) for pk in list(due_ids))


def _due_invitations() -> QuerySet[Invitation]:
    return valid_invitations().filter(next_attempt_at__lte=clock.now())


def _invitation_send(pk: int) -> bool:
    token = secrets.token_urlsafe(32)
    row = _invitation_claim(pk, token)
    if row is None:
        return False
    try:
        _invitation_email(row, token).send()
    except Exception as error:  # noqa: BLE001  any error: the next attempt is stored already
        # The error's text may name the person or the server.
        log.warning("An invitation was not sent (%s); it is tried again.", type(error).__name__)
        return False
    _invitation_record_sent(row)
    return True


@transaction.atomic
def _invitation_claim(pk: int, token: str) -> Invitation | None:
    """The invitation with its next attempt postponed; only a digest of `token` is stored."""
    row = _due_invitations().select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
    if row is None:
        return None
    row.digest, row.attempts = token_digest(token), row.attempts + 1
    row.next_attempt_at = clock.now() + invitation_retry_delay(row.attempts)
    row.save(update_fields=["digest", "attempts", "next_attempt_at"])
    return row


@transaction.atomic
def _invitation_record_sent(row: Invitation) -> None:
    # Not if it was resent or withdrawn while the mail was being sent.
    unchanged = Invitation.objects.filter(
        pk=row.pk, digest=row.digest, requested_at=row.requested_at
    )
    if unchanged.update(sent_at=clock.now(), next_attempt_at=None):
        organisation_ref = organisation_audit_ref(row.organisation)
        audit_event_record(
            tag=AuditTag.INVITATION_SENT,
            actor=WORKER,
            organisation=organisation_ref,
            subject=row.email,
        )


def invitation_retry_delay(attempts: int) -> timedelta:
    """The wait after this many failed attempts: 1, 2, 4 … 240 minutes."""
    return min(_MAX_RETRY_DELAY, _MIN_RETRY_DELAY * (1 << min(attempts - 1, 10)))


def _invitation_email(row: Invitation, token: str) -> EmailMessage:
    context = {
        "inviter": actor_display_name(row.invited_by),
        "organisation": row.organisation.name,
        "role": row.get_role_display(),
        # A worker has no request whose host could be used.
        "link": settings.PANEL_URL + reverse("invitation", args=[token]),
    }
    subject = _("%(inviter)s invites you to %(organisation)s in Freddy Admin") % context
    return EmailMessage(subject, render_to_string("mail/invitation.txt", context), to=[row.email])

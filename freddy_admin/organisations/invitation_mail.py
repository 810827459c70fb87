"""The mail of an invitation, as the outbox sends it."""

import secrets
from datetime import timedelta
from functools import partial

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from freddy_admin.audit.services import WORKER, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.mail import MAIL_LANE, mail_send
from freddy_admin.core.outbox import NothingToSend, OutboxKind, Send, outbox_kind_register
from freddy_admin.core.panel_urls import panel_url
from freddy_admin.organisations.access import actor_display_name, organisation_audit_ref
from freddy_admin.organisations.invitations import (
    INVITATION_LIFETIME,
    INVITATION_MAIL,
    token_digest,
    valid_invitations,
)
from freddy_admin.organisations.models import Invitation


def _invitation_mail_prepare(invitation_id: int) -> Send:
    """Give the invitation a new link, of which a digest alone is stored; what mails that link."""
    rows = valid_invitations().select_for_update(of=("self",), no_key=True)
    row = rows.filter(pk=invitation_id).first()
    if row is None:
        raise NothingToSend
    token = secrets.token_urlsafe(32)
    row.digest = token_digest(token)
    row.save(update_fields=["digest"])
    return partial(mail_send, invitation_email(row, token))


def _invitation_mail_record_sent(invitation_id: int, _answer: object) -> None:
    row = Invitation.objects.select_related("organisation").filter(pk=invitation_id).first()
    if row is None:
        return
    Invitation.objects.filter(pk=invitation_id).update(sent_at=clock.now())
    organisation_ref = organisation_audit_ref(row.organisation)
    audit_event_record(
        tag=AuditTag.INVITATION_SENT,
        actor=WORKER,
        organisation=organisation_ref,
        subject=row.email,
    )


def invitation_email(row: Invitation, token: str) -> EmailMessage:
    """The mail with the link of this token."""
    context = {
        "inviter": actor_display_name(row.invited_by),
        "organisation": row.organisation.name,
        "role": row.get_role_display(),
        # A worker has no request whose host could be used.
        "link": panel_url("invitation", token),
    }
    subject = _("%(inviter)s invites you to %(organisation)s in Freddy Admin") % context
    return EmailMessage(subject, render_to_string("mail/invitation.txt", context), to=[row.email])


outbox_kind_register(
    OutboxKind(
        name=INVITATION_MAIL,
        lane=MAIL_LANE,
        lifetime=INVITATION_LIFETIME,
        gives_up_after=timedelta(days=2),
        prepare=_invitation_mail_prepare,
        record_sent=_invitation_mail_record_sent,
    )
)

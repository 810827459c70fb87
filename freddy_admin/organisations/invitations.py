"""Invitations by mail: create, resend, withdraw, expire."""

import hashlib
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import email_clean
from freddy_admin.audit.selectors import audit_event_count
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import later_clock_now, trusted_now
from freddy_admin.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import outbox_cancel, outbox_enqueue, outbox_messages_by_object
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import INVITING_ROLES, role_clean

INVITATION_MAIL: Final = "invitation"  # the kind of its message in the outbox
INVITATION_LIFETIME: Final = timedelta(days=7)
INVITATIONS_PER_HOUR: Final = 20
PRUNE_BATCH_SIZE: Final = 500
RESEND_INTERVAL: Final = timedelta(minutes=5)
LARGEST_ID: Final = 2**63 - 1
# The audit log keeps the history; the address of somebody who never joined is deleted.
INVITATION_RETENTION: Final = timedelta(days=30)
_TOKEN_MAX_LENGTH = 200
_MAILED_TAGS = (AuditTag.MEMBER_INVITED, AuditTag.INVITATION_RESENT)


def open_invitations_list(*, organisation: Organisation) -> list[Invitation]:
    """Invitations neither used nor withdrawn, expired ones included, ordered by address."""
    rows = Invitation.objects.filter(organisation=organisation, closed_at=None)
    return list(rows.order_by("email"))


def invitation_mails_unsent(*, invitations: Collection[Invitation]) -> dict[int, OutboxMessage]:
    """The mails of these invitations that wait or were given up, by the invitation's id."""
    return outbox_messages_by_object(
        kind=INVITATION_MAIL, object_ids=[invitation.pk for invitation in invitations]
    )


def valid_invitations_list(*, email: str) -> list[Invitation]:
    """Valid invitations for one address, with their organisations, oldest first."""
    rows = valid_invitations().filter(email=email)
    return list(rows.select_related("organisation").order_by("created_at"))


def invitation_get(*, organisation: Organisation, invitation_id: int) -> Invitation:
    """One open invitation; raises NotFound, for a foreign one and a missing one alike."""
    return _open_invitation_get(organisation, invitation_id)


def invitation_get_by_token(*, token: str) -> Invitation:
    """The valid invitation of a link's token, with its organisation; one query.

    Raises NotFound, with the same message, if it was used, withdrawn, expired or made up, or if
    its inviter may not invite there any more.
    """
    rows = valid_invitations().filter(digest=token_digest(token))
    invitation = rows.select_related("organisation").first()
    if invitation is None:
        raise invitation_not_found()
    return invitation


def valid_invitations() -> QuerySet[Invitation]:
    """Invitations that can be accepted now: open, not expired, by an inviter who still may invite.

    Without `invited_by_id` it came from a command of the operator, who always may.
    """
    inviter = User.objects.filter(pk=OuterRef("invited_by_id"), is_active=True)
    managers = Membership.objects.filter(
        organisation=OuterRef("organisation"),
        user=OuterRef("invited_by_id"),
        user__is_active=True,
        role__in=INVITING_ROLES,
    )
    is_permitted = (
        Q(invited_by_id=None) | Exists(inviter.filter(is_platform_admin=True)) | Exists(managers)
    )
    # One that outlives any lifetime was created while the clock was ahead: not valid yet.
    latest_expiry = clock.now() + INVITATION_LIFETIME + clock.FUTURE_TOLERANCE
    rows = Invitation.objects.filter(is_permitted, closed_at=None)
    return rows.filter(expires_at__gt=later_clock_now(), expires_at__lt=latest_expiry)


@transaction.atomic
def invitation_create(
    *, organisation: Organisation, actor: Actor, email: str, role: str
) -> Invitation:
    """Invite an address; the worker sends the mail.

    Raises InvalidInput for a bad or known address, Conflict above the hourly limit, NotAllowed
    if the actor lost the right to invite in the meantime.
    """
    invited_role = role_clean(role)
    address = email_clean(email)
    organisation = organisation_lock(organisation=organisation)
    _validate_inviter_permission(organisation, actor)
    _validate_hourly_limit(actor)
    _validate_address_not_invited(organisation, address)
    now = clock.now()
    invitation = Invitation.objects.create(
        organisation=organisation,
        email=address,
        role=invited_role,
        invited_by=actor.name[:254],
        invited_by_id=actor.id,
        created_at=now,
        expires_at=now + INVITATION_LIFETIME,
        requested_at=now,
    )
    _invitation_audit_record(AuditTag.MEMBER_INVITED, actor, invitation, role=str(invited_role))
    _mail_enqueue(invitation)
    return invitation


@transaction.atomic
def invitation_resend(
    *, organisation: Organisation, actor: Actor, invitation_id: int
) -> Invitation:
    """Send it once more, valid for another seven days; the former link then stops working.

    Raises NotFound, Conflict within five minutes of the last request (unless its mail was given
    up) or above the hourly limit, and NotAllowed if the actor may not invite any more.
    """
    organisation = organisation_lock(organisation=organisation)
    _validate_inviter_permission(organisation, actor)
    row, now = _open_invitation_get(organisation, invitation_id), clock.now()
    is_recent = timedelta() <= now - row.requested_at < RESEND_INTERVAL
    if is_recent and not _is_mail_given_up(row):
        raise Conflict(_("This invitation was sent a moment ago. Wait five minutes."))
    _validate_hourly_limit(actor)
    row.requested_at, row.expires_at = now, now + INVITATION_LIFETIME
    row.save()
    _invitation_audit_record(AuditTag.INVITATION_RESENT, actor, row)
    _mail_enqueue(row)
    return row


def _mail_enqueue(invitation: Invitation) -> None:
    party = f"organisation {invitation.organisation_id}"
    outbox_enqueue(kind=INVITATION_MAIL, object_id=invitation.pk, party=party)


@transaction.atomic
def invitation_withdraw(
    *, organisation: Organisation, actor: Actor, invitation_id: int
) -> Invitation:
    """Close it, so that its link stops working and no mail is sent; raises NotFound."""
    organisation = organisation_lock(organisation=organisation)
    row = _open_invitation_get(organisation, invitation_id)
    _invitation_withdraw(row, actor)
    return row


def invitations_withdraw_by_inviter(
    *, organisation: Organisation, actor: Actor, inviter_id: int
) -> None:
    """Withdraw this person's open invitations to the organisation; call inside a transaction."""
    for row in open_invitations_list(organisation=organisation):
        if row.invited_by_id == inviter_id:
            _invitation_withdraw(row, actor)


def invitations_withdraw_by_email(*, organisation: Organisation, actor: Actor, email: str) -> None:
    """Withdraw open invitations of one address here; call inside a transaction."""
    for row in open_invitations_list(organisation=organisation):
        if row.email == email:
            _invitation_withdraw(row, actor)


def invitations_withdraw_by_inviter_without_lock(
    *, actor: Actor, inviter_id: int, excluded_organisation_ids: Collection[int]
) -> None:
    """Withdraw this person's invitations except in the excluded organisations.

    Call inside a transaction. Locks no organisation: one accepted at this moment stays accepted.
    """
    rows = Invitation.objects.filter(invited_by_id=inviter_id, closed_at=None)
    rows = rows.exclude(organisation_id__in=list(excluded_organisation_ids)).order_by("pk")
    for row in rows.select_related("organisation"):
        _invitation_withdraw(row, actor)


def invitation_close(row: Invitation) -> bool:
    """Mark it used or withdrawn, drop its link and its mail; False if it was closed already.

    Call inside a transaction.
    """
    row.closed_at, row.digest = clock.now(), ""
    values = {"closed_at": row.closed_at, "digest": ""}
    is_closed_now = bool(Invitation.objects.filter(pk=row.pk, closed_at=None).update(**values))
    outbox_cancel(kind=INVITATION_MAIL, object_ids=[row.pk])
    return is_closed_now


def invitations_prune() -> int:
    """Delete invitations closed or expired over 30 days ago, a batch a call; returns how many.

    Deletes none while the clocks disagree.
    """
    now = trusted_now()
    if now is None:
        return 0
    cutoff = now - INVITATION_RETENTION
    outdated = Invitation.objects.filter(Q(closed_at__lt=cutoff) | Q(expires_at__lt=cutoff))
    ids = list(outdated.order_by("expires_at").values_list("pk", flat=True)[:PRUNE_BATCH_SIZE])
    Invitation.objects.filter(pk__in=ids).delete()
    outbox_cancel(kind=INVITATION_MAIL, object_ids=ids)
    return len(ids)


def token_digest(token: str) -> str:
    """The SHA-256 digest that is stored of a link's token; accepts any text."""
    return hashlib.sha256(token[:_TOKEN_MAX_LENGTH].encode("utf-8", "surrogatepass")).hexdigest()


def invitation_not_found() -> NotFound:
    """The error for every invalid link, so that nobody can tell why it is invalid."""
    return NotFound(_("This invitation does not work, or works no longer."))


def _invitation_withdraw(row: Invitation, actor: Actor) -> None:
    if invitation_close(row):
        _invitation_audit_record(AuditTag.INVITATION_WITHDRAWN, actor, row)


def _open_invitation_get(organisation: Organisation, invitation_id: int) -> Invitation:
    rows = Invitation.objects.filter(organisation=organisation, closed_at=None)
    row = rows.filter(pk=invitation_id).first() if 0 < invitation_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(_("There is no such invitation. It may have been used or withdrawn."))
    row.organisation = organisation
    return row


def _is_mail_given_up(row: Invitation) -> bool:
    mail = invitation_mails_unsent(invitations=[row]).get(row.pk)
    return mail is not None and mail.given_up_at is not None


def _validate_inviter_permission(organisation: Organisation, actor: Actor) -> None:
    # Checked again under the organisation's lock: the role may have changed since the page.
    if actor.id is None:
        return
    # Whoever takes such a right away locks this row, too.
    user = User.objects.select_for_update(no_key=True).filter(pk=actor.id, is_active=True).first()
    memberships = Membership.objects.filter(
        organisation=organisation, user=actor.id, role__in=INVITING_ROLES
    )
    if user is None or not (user.is_platform_admin or memberships.exists()):
        raise NotAllowed(_("Members are looked after by the managers."))


def _validate_hourly_limit(actor: Actor) -> None:
    if actor.id is None:
        return
    # The person's row is locked, so requests for several organisations are counted in turn.
    hour_ago = clock.now() - timedelta(hours=1)
    if (
        audit_event_count(actor_id=actor.id, tags=_MAILED_TAGS, since=hour_ago)
        >= INVITATIONS_PER_HOUR
    ):
        raise Conflict(
            _("You sent %(n)d invitations within an hour. Send the next ones later.")
            % {"n": INVITATIONS_PER_HOUR}
        )


def _validate_address_not_invited(organisation: Organisation, address: str) -> None:
    if Membership.objects.filter(organisation=organisation, user__email=address).exists():
        raise InvalidInput(_("This person is a member already."), field="email")
    row = Invitation.objects.filter(
        organisation=organisation, email=address, closed_at=None
    ).first()
    if row is None:
        return
    if valid_invitations().filter(pk=row.pk).exists():
        raise InvalidInput(
            _("This address is invited already: send that invitation again."), field="email"
        )
    invitation_close(row)


def _invitation_audit_record(
    tag: AuditTag, actor: Actor, row: Invitation, **details: object
) -> None:
    organisation_ref = organisation_audit_ref(row.organisation)
    audit_event_record(
        tag=tag, actor=actor, organisation=organisation_ref, subject=row.email, **details
    )

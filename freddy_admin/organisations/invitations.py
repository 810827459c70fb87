"""Inviting people by mail: who may come with which role, and what becomes of it."""

import hashlib
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import address_clean
from freddy_admin.audit.counting import audit_count
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import deletion_now
from freddy_admin.core.either_clock import latest_now
from freddy_admin.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import INVITING, Role

VALID_FOR: Final = timedelta(days=7)
PER_HOUR: Final = 20
PRUNED_AT_ONCE: Final = 500
RESENT_EVERY: Final = timedelta(minutes=5)
LARGEST_ID: Final = 2**63 - 1
# What became of it is in the audit log; the address of somebody who never came goes.
KEPT_FOR: Final = timedelta(days=30)
_LONGEST_TOKEN = 200
_MAILED = (Tag.MEMBER_INVITED, Tag.INVITATION_RESENT)


def invitations_open(*, organisation: Organisation) -> list[Invitation]:
    """Those that were neither used nor withdrawn, by address; also those that expired."""
    rows = Invitation.objects.filter(organisation=organisation, ended_at=None)
    return list(rows.order_by("email"))


def invitations_to(*, email: str) -> list[Invitation]:
    """Those that wait for one address."""
    rows = invitations_good().filter(email=email)
    return list(rows.select_related("organisation").order_by("created_at"))


def invitation_get(*, organisation: Organisation, invitation_id: int) -> Invitation:
    """One of those; raises NotFound, for a foreign one and a missing one alike."""
    return _open(organisation, invitation_id)


def invitation_find(*, token: str) -> Invitation:
    """The open invitation a link stands for, with its organisation; one query.

    Raises NotFound, with the same words, for one that was used, withdrawn, expired or made up,
    and for one by somebody who may not invite there any more.
    """
    rows = invitations_good().filter(digest=token_digest(token))
    found = rows.select_related("organisation").first()
    if found is None:
        raise link_dead()
    return found


def invitations_good() -> QuerySet[Invitation]:
    """Those that would let somebody in now: open, in time, and of an inviter who still may.

    Whoever runs the panel invites as nobody in particular, and always may.
    """
    inviter = User.objects.filter(pk=OuterRef("invited_by_id"), is_active=True)
    managing = Membership.objects.filter(
        organisation=OuterRef("organisation"),
        user=OuterRef("invited_by_id"),
        user__is_active=True,
        role__in=INVITING,
    )
    may = Q(invited_by_id=None) | Exists(inviter.filter(is_platform_admin=True)) | Exists(managing)
    # One that lasts longer than any was made while the clock was ahead: not before it is set right.
    farthest = clock.now() + VALID_FOR + clock.AHEAD
    rows = Invitation.objects.filter(may, ended_at=None)
    return rows.filter(expires_at__gt=latest_now(), expires_at__lt=farthest)


@transaction.atomic
def invitation_create(
    *, organisation: Organisation, actor: Actor, email: str, role: str
) -> Invitation:
    """Invite an address; the worker sends the mail.

    Raises InvalidInput for a bad or known address, Conflict for who invites too many, NotAllowed
    for who lost the right to a moment ago.
    """
    if role not in Role.values:
        raise InvalidInput(_("Choose one of viewer, operator, manager."), field="role")
    address = address_clean(email)
    place = organisation_lock(organisation=organisation)
    _refuse_former(place, actor)
    _refuse_many(actor)
    _refuse_known(place, address)
    now = clock.now()
    made = Invitation.objects.create(
        organisation=place,
        email=address,
        role=role,
        invited_by=actor.name[:254],
        invited_by_id=actor.id,
        created_at=now,
        expires_at=now + VALID_FOR,
        asked_at=now,
        next_attempt_at=now,
    )
    _record(Tag.MEMBER_INVITED, actor, made, role=str(role))
    return made


@transaction.atomic
def invitation_resend(
    *, organisation: Organisation, actor: Actor, invitation_id: int
) -> Invitation:
    """Send it once more, good for another seven days; the former link then works no longer.

    Raises NotFound, Conflict where it was sent a moment ago, and NotAllowed as above.
    """
    place = organisation_lock(organisation=organisation)
    _refuse_former(place, actor)
    row, now = _open(place, invitation_id), clock.now()
    if timedelta() <= now - row.asked_at < RESENT_EVERY:
        raise Conflict(_("This invitation was sent a moment ago. Wait five minutes."))
    _refuse_many(actor)
    row.asked_at, row.next_attempt_at, row.attempts = now, now, 0
    row.expires_at = now + VALID_FOR
    row.save()
    _record(Tag.INVITATION_RESENT, actor, row)
    return row


@transaction.atomic
def invitation_withdraw(
    *, organisation: Organisation, actor: Actor, invitation_id: int
) -> Invitation:
    """Its link works no longer, and no mail goes out any more; raises NotFound."""
    place = organisation_lock(organisation=organisation)
    row = _open(place, invitation_id)
    _withdraw(row, actor)
    return row


def invitations_of_withdraw(*, organisation: Organisation, actor: Actor, inviter_id: int) -> None:
    """Withdraw what somebody invited to who may not invite any more; inside a transaction."""
    for row in invitations_open(organisation=organisation):
        if row.invited_by_id == inviter_id:
            _withdraw(row, actor)


def invitations_to_withdraw(*, organisation: Organisation, actor: Actor, email: str) -> None:
    """Withdraw what waits for one address here; inside a transaction."""
    for row in invitations_open(organisation=organisation):
        if row.email == email:
            _withdraw(row, actor)


def invitations_left_withdraw(*, actor: Actor, inviter_id: int, spared: Collection[int]) -> None:
    """Withdraw what this person invited to, but in `spared`; inside a transaction.

    Without a lock on the organisations: one that is used at this moment stays used.
    """
    rows = Invitation.objects.filter(invited_by_id=inviter_id, ended_at=None)
    rows = rows.exclude(organisation_id__in=list(spared)).order_by("pk")
    for row in rows.select_related("organisation"):
        _withdraw(row, actor)


def invitation_end(row: Invitation) -> bool:
    """Used or withdrawn: nothing leads to it any more. False where it was the other one by then."""
    row.ended_at, row.next_attempt_at, row.digest = clock.now(), None, ""
    ended = {"ended_at": row.ended_at, "next_attempt_at": None, "digest": ""}
    return bool(Invitation.objects.filter(pk=row.pk, ended_at=None).update(**ended))


def invitations_prune() -> int:
    """Delete those that were used, withdrawn or out of date 30 days ago; how many went.

    Nothing while the clocks disagree.
    """
    now = deletion_now()
    if now is None:
        return 0
    before = now - KEPT_FOR
    over = Invitation.objects.filter(Q(ended_at__lt=before) | Q(expires_at__lt=before))
    ids = list(over.order_by("expires_at").values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    Invitation.objects.filter(pk__in=ids).delete()
    return len(ids)


def token_digest(token: str) -> str:
    """What is stored of a link's secret part, for texts of any shape."""
    return hashlib.sha256(token[:_LONGEST_TOKEN].encode("utf-8", "surrogatepass")).hexdigest()


def link_dead() -> NotFound:
    """The one answer for every link that leads nowhere."""
    return NotFound(_("This invitation does not work, or works no longer."))


def _withdraw(row: Invitation, actor: Actor) -> None:
    if invitation_end(row):
        _record(Tag.INVITATION_WITHDRAWN, actor, row)


def _open(place: Organisation, invitation_id: int) -> Invitation:
    rows = Invitation.objects.filter(organisation=place, ended_at=None)
    row = rows.filter(pk=invitation_id).first() if 0 < invitation_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(_("There is no such invitation. It may have been used or withdrawn."))
    row.organisation = place
    return row


def _refuse_former(place: Organisation, actor: Actor) -> None:
    # Asked once more where the organisation is locked: their role may have gone since the page.
    if actor.id is None:
        return
    # Locked, as those lock it who take such a right away.
    user = User.objects.select_for_update(no_key=True).filter(pk=actor.id, is_active=True).first()
    own = Membership.objects.filter(organisation=place, user=actor.id, role__in=INVITING)
    if user is None or not (user.is_platform_admin or own.exists()):
        raise NotAllowed(_("Members are looked after by the managers."))


def _refuse_many(actor: Actor) -> None:
    if actor.id is None:
        return
    # The person's row is locked: one after the other, also into several organisations at once.
    since = clock.now() - timedelta(hours=1)
    if audit_count(actor_id=actor.id, tags=_MAILED, since=since) >= PER_HOUR:
        raise Conflict(
            _("You sent %(n)d invitations within an hour. Send the next ones later.")
            % {"n": PER_HOUR}
        )


def _refuse_known(place: Organisation, address: str) -> None:
    if Membership.objects.filter(organisation=place, user__email=address).exists():
        raise InvalidInput(_("This person is a member already."), field="email")
    row = Invitation.objects.filter(organisation=place, email=address, ended_at=None).first()
    if row is None:
        return
    if invitations_good().filter(pk=row.pk).exists():
        raise InvalidInput(
            _("This address is invited already: send that invitation again."), field="email"
        )
    invitation_end(row)


def _record(tag: Tag, actor: Actor, row: Invitation, **details: object) -> None:
    place = place_of(row.organisation)
    audit_record(tag=tag, actor=actor, place=place, subject=row.email, **details)

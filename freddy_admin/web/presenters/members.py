"""Who belongs to an organisation, and who is invited to it."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import name_alone
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.members import Member
from freddy_admin.organisations.models import Invitation
from freddy_admin.organisations.names import NOBODY, actor_shown, person_shown
from freddy_admin.organisations.roles import Permission, Role
from freddy_admin.web.presenters.roles import role_name
from freddy_admin.web.presenters.states import BAD, GOOD, QUIET, WARN
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class MemberView:
    """A line; what managers alone see is empty for everybody else."""

    name: str
    email: str
    role: str
    is_reader: bool
    is_off: bool
    since: SafeString | str
    last_sign_in: SafeString | str
    second_factor: str
    secured: bool
    href: str


@dataclass(frozen=True, slots=True)
class InvitationView:
    """A line of the open invitations."""

    email: str
    role: str
    inviter: str
    state: str
    tone: str
    icon: str
    when: SafeString
    expires: SafeString | str
    href: str


@dataclass(frozen=True, slots=True)
class MembersView:
    """The page of one organisation."""

    members: list[MemberView]
    invitations: list[InvitationView]
    manages: bool
    is_member: bool


def members_view(
    access: Access, found: list[Member], invited: list[Invitation], reader: User, on: Reading
) -> MembersView:
    """The page for one person; `invited` is empty for who may not invite."""
    manages = access.allows(Permission.MANAGE_MEMBERS)
    slug = access.organisation.slug
    return MembersView(
        members=[_member(one, slug, reader, on, manages=manages) for one in found],
        invitations=[invitation_view(one, slug, on) for one in invited],
        manages=manages,
        is_member=any(one.user_id == reader.pk for one in found),
    )


def _member(one: Member, slug: str, reader: User, on: Reading, *, manages: bool) -> MemberView:
    is_reader = one.user_id == reader.pk
    seen = on.cell(one.last_sign_in) if one.last_sign_in else _("never")
    return MemberView(
        name=one.name if manages or is_reader else person_shown(one.own_name, one.email, NOBODY),
        email=one.email if manages and one.email != one.name else "",
        role=role_name(one.role),
        is_reader=is_reader,
        is_off=not one.is_active,
        since=on.cell(one.since) if manages else "",
        last_sign_in=seen if manages else "",
        second_factor=_yes_or_no(holds=one.has_second_factor) if manages else "",
        secured=manages and one.has_second_factor,
        href=reverse("member", args=[slug, one.user_id]) if manages else "",
    )


def invitation_view(one: Invitation, slug: str, on: Reading) -> InvitationView:
    """What became of an invitation so far."""
    state, tone, icon = _state(one, on)
    expired = one.expires_at <= on.now
    return InvitationView(
        email=one.email,
        role=role_name(Role(one.role)),
        inviter=name_alone(one.invited_by),
        state=state,
        tone=tone,
        icon=icon,
        when=on.cell(one.sent_at or one.asked_at),
        expires=_("expired") if expired else on.at(one.expires_at),
        href=reverse("member_invitation", args=[slug, one.pk]),
    )


def inviter_name(one: Invitation) -> str:
    """Who invited, as the one who is invited reads it: without an address."""
    return actor_shown(one.invited_by)


def _state(one: Invitation, on: Reading) -> tuple[str, str, str]:
    if one.expires_at <= on.now:
        return _("Expired"), WARN, "clock-exclamation"
    if one.next_attempt_at is None:
        return _("Sent"), GOOD, "circle-check"
    if one.attempts:
        again = on.clock(one.next_attempt_at)
        return _("Not sent yet, next try at %(at)s") % {"at": again}, BAD, "alert-triangle"
    return _("Goes out in a moment"), QUIET, "hourglass"


def _yes_or_no(*, holds: bool) -> str:
    return _("yes") if holds else _("no")

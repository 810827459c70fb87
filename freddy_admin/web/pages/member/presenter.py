"""Who belongs to an organisation, and who is invited to it."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import actor_name_without_address
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.members import Member
from freddy_admin.organisations.models import Invitation
from freddy_admin.organisations.person_display_names import (
    NO_PERMISSIONS,
    actor_display_name,
    person_display_name,
)
from freddy_admin.organisations.roles import Permission, Role
from freddy_admin.web.pages.role.presenter import role_name
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member; what managers alone see is empty for everybody else."""

    name: str
    email: str
    role: str
    is_current_user: bool
    is_deactivated: bool
    since: SafeString | str
    last_sign_in: SafeString | str
    second_factor: str
    has_second_factor: bool
    href: str


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """One open invitation."""

    email: str
    role: str
    inviter: str
    state: str
    tone: str
    icon: str
    sent_time: SafeString
    expires: SafeString | str
    href: str


@dataclass(frozen=True, slots=True)
class MemberListContext:
    """The page of one organisation."""

    members: list[MemberRow]
    invitations: list[InvitationRow]
    can_manage: bool
    is_member: bool


def member_list_context(
    access: Access,
    members: list[Member],
    invitations: list[Invitation],
    user: User,
    user_time: UserTime,
) -> MemberListContext:
    """The page for one person; `invitations` is empty for who may not invite."""
    can_manage = access.allows(Permission.MANAGE_MEMBERS)
    slug = access.organisation.slug
    return MemberListContext(
        members=[
            _member_row(member, slug, user, user_time, can_manage=can_manage) for member in members
        ],
        invitations=[invitation_row(member, slug, user_time) for member in invitations],
        can_manage=can_manage,
        is_member=any(member.user_id == user.pk for member in members),
    )


def _member_row(
    member: Member, slug: str, user: User, user_time: UserTime, *, can_manage: bool
) -> MemberRow:
    is_current_user = member.user_id == user.pk
    last_sign_in = (
        user_time.render_relative_cell(member.last_sign_in) if member.last_sign_in else _("never")
    )
    return MemberRow(
        name=member.name
        if can_manage or is_current_user
        else person_display_name(member.entered_name, member.email, NO_PERMISSIONS),
        email=member.email if can_manage and member.email != member.name else "",
        role=role_name(member.role),
        is_current_user=is_current_user,
        is_deactivated=not member.is_active,
        since=user_time.render_relative_cell(member.joined_at) if can_manage else "",
        last_sign_in=last_sign_in if can_manage else "",
        second_factor=_yes_no_text(holds=member.has_second_factor) if can_manage else "",
        has_second_factor=can_manage and member.has_second_factor,
        href=reverse("member", args=[slug, member.user_id]) if can_manage else "",
    )


def invitation_row(invitation: Invitation, slug: str, user_time: UserTime) -> InvitationRow:
    """What became of an invitation so far."""
    state, tone, icon = _invitation_state(invitation, user_time)
    expired = invitation.expires_at <= user_time.now
    return InvitationRow(
        email=invitation.email,
        role=role_name(Role(invitation.role)),
        inviter=actor_name_without_address(invitation.invited_by),
        state=state,
        tone=tone,
        icon=icon,
        sent_time=user_time.render_relative_cell(invitation.sent_at or invitation.requested_at),
        expires=_("expired") if expired else user_time.render_clock(invitation.expires_at),
        href=reverse("member_invitation", args=[slug, invitation.pk]),
    )


def inviter_display_name(invitation: Invitation) -> str:
    """The inviter's name for the invited person: without an e-mail address."""
    return actor_display_name(invitation.invited_by)


def _invitation_state(invitation: Invitation, user_time: UserTime) -> tuple[str, str, str]:
    if invitation.expires_at <= user_time.now:
        return _("Expired"), WARN, "clock-exclamation"
    if invitation.next_attempt_at is None:
        return _("Sent"), GOOD, "circle-check"
    if invitation.attempts:
        next_attempt = user_time.format_clock(invitation.next_attempt_at)
        return _("Not sent yet, next try at %(at)s") % {"at": next_attempt}, BAD, "alert-triangle"
    return _("Goes out in a moment"), QUIET, "hourglass"


def _yes_no_text(*, holds: bool) -> str:
    return _("yes") if holds else _("no")

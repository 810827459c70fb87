"""Members of an organisation: list, change of role, removal, leaving."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.access import NO_PERMISSIONS, Access, person_display_name
from freddy_admin.organisations.invitations import (
    invitation_mails_unsent,
    open_invitations_list,
)
from freddy_admin.organisations.members import (
    Member,
    is_last_manager,
    member_get,
    member_role_update,
    members_list,
)
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.services.offboarding import member_offboard
from freddy_admin.web.access import (
    FORM_METHODS,
    READ_METHODS,
    organisation_permission_required,
    signed_in_user,
)
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.pages.invitation.presenter import invitation_row
from freddy_admin.web.pages.role.forms import RoleForm
from freddy_admin.wording.roles import role_name
from freddy_admin.wording.times import UserTime, get_user_time

MANAGE = Permission.MANAGE_MEMBERS


@organisation_permission_required(Permission.VIEW, READ_METHODS)
def member_list_view(request: HttpRequest, access: Access) -> HttpResponse:
    """The members with their roles; for managers also open invitations and sign-in details."""
    organisation, user = access.organisation, signed_in_user(request)
    can_manage, user_time = access.allows(MANAGE), get_user_time(clock.now())
    members = members_list(organisation=organisation)
    invitations = open_invitations_list(organisation=organisation) if can_manage else []
    mails = invitation_mails_unsent(invitations=invitations)
    template_context = {
        "organisation": organisation,
        "members": [_member_row(member, user, user_time, access) for member in members],
        "invitations": [invitation_row(row, mails.get(row.pk), user_time) for row in invitations],
        "can_manage": can_manage,
        "is_member": any(member.user_id == user.pk for member in members),
    }
    return render(request, "member/page.html", template_context)


def _member_row(member: Member, user: User, user_time: UserTime, access: Access) -> dict[str, Any]:
    """One member for `user`; what managers alone see is missing for everybody else."""
    is_current_user = member.user_id == user.pk
    row = {
        "name": member.name,
        "role": role_name(member.role),
        "is_current_user": is_current_user,
        "is_deactivated": not member.is_active,
    }
    if not access.allows(Permission.MANAGE_MEMBERS):
        if not is_current_user:
            row["name"] = person_display_name(member.entered_name, member.email, NO_PERMISSIONS)
        return row
    return row | {
        "user_id": member.user_id,
        "email": member.email if member.email != member.name else "",
        "since": user_time.render_relative_cell(member.joined_at),
        "last_sign_in": member.last_sign_in and user_time.render_relative_cell(member.last_sign_in),
        "has_second_factor": member.has_second_factor,
    }


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def member_role_update_view(request: HttpRequest, access: Access, user_id: int) -> HttpResponse:
    """Change the role of one member; links to their removal."""
    organisation = access.organisation
    member = member_get(organisation=organisation, user_id=user_id)
    form = RoleForm(request.POST or None, initial={"role": member.role})
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            updated_member = member_role_update(
                organisation=organisation,
                actor=actor_from_request(request),
                user_id=user_id,
                **form.cleaned_data,
            )
            message_values = {"name": updated_member.name, "role": updated_member.role.label}
            messages.success(request, _("%(name)s is %(role)s now.") % message_values)
            return redirect("members", organisation.slug)
    template_context = {
        "form": form,
        "organisation": organisation,
        "member": member,
        "is_last_manager": is_last_manager(organisation=organisation, user_id=user_id),
    }
    return render(request, "member/member.html", template_context)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def member_remove_view(request: HttpRequest, access: Access, user_id: int) -> HttpResponse:
    """Remove a member, after a page that says what that means."""
    return _membership_end_response(request, access, user_id)


@organisation_permission_required(Permission.VIEW, FORM_METHODS)
@reauthentication_required()
def organisation_leave_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Leave an organisation: open to every member but the last manager."""
    return _membership_end_response(request, access, signed_in_user(request).pk, is_leaving=True)


def _membership_end_response(
    request: HttpRequest, access: Access, user_id: int, *, is_leaving: bool = False
) -> HttpResponse:
    organisation = access.organisation
    member = member_get(organisation=organisation, user_id=user_id)
    if request.method != "POST":
        template_context = {
            "organisation": organisation,
            "member": member,
            "is_leaving": is_leaving,
            "is_last_manager": is_last_manager(organisation=organisation, user_id=user_id),
        }
        return render(request, "member/remove.html", template_context)
    try:
        member_offboard(
            organisation=organisation, actor=actor_from_request(request), user_id=user_id
        )
    except Conflict as error:
        messages.error(request, error.message)
        return redirect("members", organisation.slug)
    if is_leaving:
        messages.success(request, _("You left %(name)s.") % {"name": organisation.name})
    else:
        messages.success(request, _("%(name)s is no member any more.") % {"name": member.name})
    user = signed_in_user(request)
    can_still_see_members = user.pk != user_id or user.is_platform_admin
    return redirect("members", organisation.slug) if can_still_see_members else redirect("overview")

"""Members of an organisation: list, change of role, removal, leaving."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.invitations import (
    invitation_create,
    invitation_get,
    invitation_resend,
    invitation_withdraw,
    open_invitations_list,
)
from freddy_admin.organisations.members import (
    is_last_manager,
    member_get,
    member_role_update,
    members_list,
)
from freddy_admin.organisations.roles import Permission, Role
from freddy_admin.vault.services.offboarding import member_offboard
from freddy_admin.web.access import (
    FORM_METHODS,
    READ_METHODS,
    organisation_permission_required,
    signed_in_user,
)
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.pages.member.forms import InvitationForm, MemberRoleForm
from freddy_admin.web.pages.member.presenter import invitation_row, member_list_context
from freddy_admin.web.reauthentication import reauthentication_required
from freddy_admin.wording.times import get_user_time

MANAGE = Permission.MANAGE_MEMBERS


@organisation_permission_required(Permission.VIEW, READ_METHODS)
def member_list_view(request: HttpRequest, access: Access) -> HttpResponse:
    """The members with their roles; for managers also open invitations and sign-in details."""
    organisation = access.organisation
    open_invitations = (
        open_invitations_list(organisation=organisation) if access.allows(MANAGE) else []
    )
    view = member_list_context(
        access,
        members_list(organisation=organisation),
        open_invitations,
        signed_in_user(request),
        get_user_time(clock.now()),
    )
    return render(request, "members/page.html", {"view": view, "organisation": organisation})


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def member_role_update_view(request: HttpRequest, access: Access, user_id: int) -> HttpResponse:
    """Change the role of one member; links to their removal."""
    organisation = access.organisation
    member = member_get(organisation=organisation, user_id=user_id)
    form = MemberRoleForm(request.POST or None, initial={"role": member.role})
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            role = form.cleaned_data["role"]
            updated_member = member_role_update(
                organisation=organisation,
                actor=actor_from_request(request),
                user_id=user_id,
                role=role,
            )
            message_values = {"name": updated_member.name, "role": updated_member.role.label}
            messages.success(request, _("%(name)s is %(role)s now.") % message_values)
            return redirect("members", organisation.slug)
    is_last = is_last_manager(organisation=organisation, user_id=user_id)
    template_context = {
        "form": form,
        "organisation": organisation,
        "member": member,
        "is_last_manager": is_last,
    }
    return render(request, "members/member.html", template_context)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def member_remove_view(request: HttpRequest, access: Access, user_id: int) -> HttpResponse:
    """Remove a member, after a page that says what that means."""
    member = member_get(organisation=access.organisation, user_id=user_id)
    message = _("%(name)s is no member any more.") % {"name": member.name}
    template_context = {"organisation": access.organisation, "member": member}
    return _membership_end_response(
        request, access, user_id, template_context=template_context, message=message
    )


@organisation_permission_required(Permission.VIEW, FORM_METHODS)
@reauthentication_required()
def organisation_leave_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Leave an organisation: open to every member but the last manager."""
    user_id = signed_in_user(request).pk
    member = member_get(organisation=access.organisation, user_id=user_id)
    message = _("You left %(name)s.") % {"name": access.organisation.name}
    template_context = {"organisation": access.organisation, "member": member, "is_leaving": True}
    return _membership_end_response(
        request, access, user_id, template_context=template_context, message=message
    )


def _membership_end_response(
    request: HttpRequest,
    access: Access,
    user_id: int,
    *,
    template_context: dict[str, object],
    message: str,
) -> HttpResponse:
    organisation = access.organisation
    if request.method == "POST":
        try:
            member_offboard(
                organisation=organisation, actor=actor_from_request(request), user_id=user_id
            )
        except Conflict as error:
            messages.error(request, error.message)
            return redirect("members", organisation.slug)
        messages.success(request, message)
        can_still_see_members = (
            signed_in_user(request).pk != user_id or signed_in_user(request).is_platform_admin
        )
        return (
            redirect("members", organisation.slug)
            if can_still_see_members
            else redirect("overview")
        )
    template_context["is_last_manager"] = is_last_manager(
        organisation=organisation, user_id=user_id
    )
    return render(request, "members/remove.html", template_context)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def invitation_create_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Invite an address; the worker sends the mail in a moment."""
    organisation = access.organisation
    form = InvitationForm(request.POST or None, initial={"role": Role.VIEWER})
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            invitation = invitation_create(
                organisation=organisation, actor=actor_from_request(request), **form.cleaned_data
            )
            message = _("%(email)s is invited: a mail with a link goes out in a moment.")
            messages.success(request, message % {"email": invitation.email})
            return redirect("members", organisation.slug)
    return render(request, "members/invite.html", {"form": form, "organisation": organisation})


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def invitation_resend_or_withdraw_view(
    request: HttpRequest, access: Access, invitation_id: int
) -> HttpResponse:
    """One open invitation: send it again, or withdraw it."""
    organisation = access.organisation
    invitation = invitation_get(organisation=organisation, invitation_id=invitation_id)
    if request.method == "POST":
        try:
            message = _invitation_resend_or_withdraw(request, access, invitation_id)
        except Conflict as error:
            messages.error(request, error.message)
        else:
            messages.success(request, message % {"email": invitation.email})
        return redirect("members", organisation.slug)
    view = invitation_row(invitation, organisation.slug, get_user_time(clock.now()))
    return render(request, "members/invitation.html", {"view": view, "organisation": organisation})


def _invitation_resend_or_withdraw(request: HttpRequest, access: Access, invitation_id: int) -> str:
    organisation, actor = access.organisation, actor_from_request(request)
    if request.POST.get("do") == "withdraw":
        invitation_withdraw(organisation=organisation, actor=actor, invitation_id=invitation_id)
        return _("The invitation of %(email)s was withdrawn.")
    invitation_resend(organisation=organisation, actor=actor, invitation_id=invitation_id)
    return _("The invitation of %(email)s is sent again in a moment.")

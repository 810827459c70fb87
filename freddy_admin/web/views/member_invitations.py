"""Invitations to an organisation, for the managers who invite."""

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
)
from freddy_admin.organisations.roles import Permission, Role
from freddy_admin.web.access import FORM_METHODS, organisation_permission_required
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.people_forms import InvitationForm
from freddy_admin.web.presenters.member_list import invitation_row
from freddy_admin.web.reauthentication import reauthentication_required
from freddy_admin.wording.times import get_user_time

MANAGE = Permission.MANAGE_MEMBERS


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

"""Invitations, as those see them who invite."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
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
from freddy_admin.web.access import FORM, within_organisation
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.forms import told_beside_fields
from freddy_admin.web.people_forms import InvitationForm
from freddy_admin.web.presenters.members import invitation_view
from freddy_admin.web.presenters.times import reading

MANAGE = Permission.MANAGE_MEMBERS


@within_organisation(MANAGE, FORM)
@confirmed_recently()
def member_invite(request: HttpRequest, access: Access) -> HttpResponse:
    """Invite an address; the worker sends the mail in a moment."""
    here = access.organisation
    form = InvitationForm(request.POST or None, initial={"role": Role.VIEWER})
    if request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            made = invitation_create(
                organisation=here, actor=actor_of(request), **form.cleaned_data
            )
            told = _("%(email)s is invited: a mail with a link goes out in a moment.")
            messages.success(request, told % {"email": made.email})
            return redirect("members", here.slug)
    return render(request, "members/invite.html", {"form": form, "organisation": here})


@within_organisation(MANAGE, FORM)
@confirmed_recently()
def member_invitation(request: HttpRequest, access: Access, invitation_id: int) -> HttpResponse:
    """One open invitation: send it again, or withdraw it."""
    here = access.organisation
    found = invitation_get(organisation=here, invitation_id=invitation_id)
    if request.method == "POST":
        try:
            told = _done(request, access, invitation_id)
        except Conflict as refused:
            messages.error(request, refused.message)
        else:
            messages.success(request, told % {"email": found.email})
        return redirect("members", here.slug)
    view = invitation_view(found, here.slug, reading(clock.now()))
    return render(request, "members/invitation.html", {"view": view, "organisation": here})


def _done(request: HttpRequest, access: Access, invitation_id: int) -> str:
    here, actor = access.organisation, actor_of(request)
    if request.POST.get("do") == "withdraw":
        invitation_withdraw(organisation=here, actor=actor, invitation_id=invitation_id)
        return _("The invitation of %(email)s was withdrawn.")
    invitation_resend(organisation=here, actor=actor, invitation_id=invitation_id)
    return _("The invitation of %(email)s is sent again in a moment.")

"""The link of an invitation: who invites to what, and how to accept."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.auth.login import login_and_redirect
from freddy_admin.accounts.models import User
from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.core.errors import NotAllowed, NotFound
from freddy_admin.organisations.invitation_acceptance import (
    invitation_accept,
    invitation_accept_with_new_account,
    invited_user_find,
)
from freddy_admin.organisations.invitations import invitation_get_by_token
from freddy_admin.organisations.models import Invitation
from freddy_admin.organisations.roles import Role
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    public_view,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.forms import add_form_errors, render_form_page
from freddy_admin.web.pages.invitation.forms import InvitationAcceptForm
from freddy_admin.web.pages.member.presenter import inviter_display_name
from freddy_admin.web.pages.role.presenter import role_sentence


@sensitive_post_parameters("password")
@login_not_required
@public_view(FORM_METHODS)
def invitation_detail_and_sign_up_view(request: HttpRequest, token: str) -> HttpResponse:
    """The page of an invitation; whoever has no account yet creates one here, and only here."""
    try:
        invitation = invitation_get_by_token(token=token)
    except NotFound:
        return _invalid_invitation_response(request)
    invited_user = invited_user_find(invitation=invitation)
    is_signed_in = isinstance(request.user, User)
    is_newcomer = invited_user is None and not is_signed_in
    form = InvitationAcceptForm(request.POST or None) if is_newcomer else None
    if form is not None and request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            user = invitation_accept_with_new_account(
                token=token, actor=actor_from_request(request), **form.cleaned_data
            )
            return login_and_redirect(request, user, to=_organisation_path(invitation))
    template_context = _invitation_context(request, invitation, token) | {"form": form}
    return render_form_page(request, "invitation/page.html", template_context)


@signed_in_user_required(WRITE_METHODS)
def invitation_accept_view(request: HttpRequest, token: str) -> HttpResponse:
    """Accept with the signed-in account, if the invitation was sent to its address."""
    try:
        organisation = invitation_accept(
            token=token, actor=actor_from_request(request), user=signed_in_user(request)
        )
    except NotFound:
        return _invalid_invitation_response(request)
    except NotAllowed:
        return redirect("invitation", token)  # which says so, and what to do
    messages.success(request, _("Welcome to %(name)s.") % {"name": organisation.name})
    return redirect("organisation", organisation.slug)


def _invitation_context(request: HttpRequest, invitation: Invitation, token: str) -> dict[str, Any]:
    user = request.user if isinstance(request.user, User) else None
    role = Role(invitation.role)
    return {
        "organisation_name": invitation.organisation.name,
        "inviter": inviter_display_name(invitation),
        "role": role.label,
        "role_sentence": role_sentence(role),
        "token": token,
        # Whoever is signed in as somebody else learns that, and not whose it is.
        "email": "" if user else invitation.email,
        "can_accept": bool(user and user.email == invitation.email),
        "reader": user.email if user else "",
    }


def _organisation_path(invitation: Invitation) -> str:
    return f"/organisations/{invitation.organisation.slug}/"


def _invalid_invitation_response(request: HttpRequest) -> HttpResponse:
    """404, alike for every invalid link: used, withdrawn, expired or made up."""
    return render(request, "invitation/invalid.html", status=404)

"""Invitations: sent, sent again and withdrawn by managers; accepted by whoever has the link."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.accounts.auth.views import login_and_redirect
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotAllowed, NotFound
from freddy_admin.organisations.access import Access, actor_display_name
from freddy_admin.organisations.invitation_acceptance import (
    invitation_accept,
    invitation_accept_with_new_account,
    invited_user_find,
)
from freddy_admin.organisations.invitation_addresses import (
    InvitationOutcome,
    invitations_create,
)
from freddy_admin.organisations.invitations import (
    invitation_get,
    invitation_get_by_token,
    invitation_mails_unsent,
    invitation_resend,
    invitation_withdraw,
)
from freddy_admin.organisations.roles import Permission, Role
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    organisation_permission_required,
    public_view,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.forms import add_form_errors, render_form_page
from freddy_admin.web.pages.invitation.forms import InvitationAcceptForm, InvitationForm
from freddy_admin.web.pages.invitation.presenter import (
    invitation_outcomes,
    invitation_row,
    invitations_sent_message,
)
from freddy_admin.wording.roles import role_sentence
from freddy_admin.wording.times import get_user_time


@organisation_permission_required(Permission.MANAGE_MEMBERS, FORM_METHODS)
@reauthentication_required()
def invitation_create_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Invite one address or several; the worker sends the mails in a moment."""
    organisation = access.organisation
    form = InvitationForm(request.POST or None, initial={"role": Role.VIEWER})
    outcomes: list[InvitationOutcome] = []
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            outcomes = invitations_create(
                organisation=organisation,
                actor=actor_from_request(request),
                emails=form.cleaned_data["email"],
                role=form.cleaned_data["role"],
            )
    problems = [outcome for outcome in outcomes if outcome.problem]
    if outcomes and not problems:
        messages.success(request, invitations_sent_message(outcomes))
        return redirect("members", organisation.slug)
    if len(outcomes) == 1:
        form.add_error("email", problems[0].problem)
    elif problems:
        form.show_addresses([outcome.address for outcome in problems])
    template_context = {
        "form": form,
        "organisation": organisation,
        "outcomes": invitation_outcomes(outcomes),
    }
    return render(request, "invitation/invite.html", template_context)


@organisation_permission_required(Permission.MANAGE_MEMBERS, FORM_METHODS)
@reauthentication_required()
def invitation_resend_or_withdraw_view(
    request: HttpRequest, access: Access, invitation_id: int
) -> HttpResponse:
    """One open invitation: send it again, or withdraw it."""
    organisation = access.organisation
    invitation = invitation_get(organisation=organisation, invitation_id=invitation_id)
    if request.method != "POST":
        mail = invitation_mails_unsent(invitations=[invitation]).get(invitation.pk)
        row = invitation_row(invitation, mail, get_user_time(clock.now()))
        template_context = {"invitation": row, "organisation": organisation}
        return render(request, "invitation/resend_or_withdraw.html", template_context)
    if request.POST.get("do") == "withdraw":
        change, message = invitation_withdraw, _("The invitation of %(email)s was withdrawn.")
    else:
        change = invitation_resend
        message = _("The invitation of %(email)s is sent again in a moment.")
    try:
        change(
            organisation=organisation,
            actor=actor_from_request(request),
            invitation_id=invitation_id,
        )
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, message % {"email": invitation.email})
    return redirect("members", organisation.slug)


@sensitive_post_parameters("password")
@login_not_required
@public_view(FORM_METHODS)
def invitation_detail_and_sign_up_view(request: HttpRequest, token: str) -> HttpResponse:
    """The page of an invitation; whoever has no account yet creates one here, and only here."""
    try:
        invitation = invitation_get_by_token(token=token)
    except NotFound:
        return _invalid_invitation_response(request)
    user = request.user if isinstance(request.user, User) else None
    is_newcomer = user is None and invited_user_find(invitation=invitation) is None
    form = InvitationAcceptForm(request.POST or None) if is_newcomer else None
    if form is not None and request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            new_user = invitation_accept_with_new_account(
                token=token, actor=actor_from_request(request), **form.cleaned_data
            )
            path = reverse("organisation", args=[invitation.organisation.slug])
            return login_and_redirect(request, new_user, to=path)
    role = Role(invitation.role)
    template_context = {
        "form": form,
        "token": token,
        "organisation_name": invitation.organisation.name,
        "inviter": actor_display_name(invitation.invited_by),
        "role": role.label,
        "role_sentence": role_sentence(role),
        # Whoever is signed in as somebody else learns that, and not whose it is.
        "email": "" if user else invitation.email,
        "can_accept": bool(user and user.email == invitation.email),
        "reader": user.email if user else "",
    }
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


def _invalid_invitation_response(request: HttpRequest) -> HttpResponse:
    """404, alike for every invalid link: used, withdrawn, expired or made up."""
    return render(request, "invitation/invalid.html", status=404)

"""Where the link of an invitation leads: who invites to what, and the way in."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in.coming_in import signed_in_at_once
from freddy_admin.core.errors import NotAllowed, NotFound
from freddy_admin.organisations.accepting import (
    invitation_accept,
    invitation_accept_as_new,
    invitation_person,
)
from freddy_admin.organisations.invitations import invitation_find
from freddy_admin.organisations.models import Invitation
from freddy_admin.organisations.roles import Role
from freddy_admin.web.access import FORM, WRITE, by_anyone, by_anyone_signed_in, person_of
from freddy_admin.web.forms import form_page, told_beside_fields
from freddy_admin.web.people_forms import NewcomerForm
from freddy_admin.web.presenters.members import inviter_name
from freddy_admin.web.presenters.roles import role_sentence


@sensitive_post_parameters("password")
@login_not_required
@by_anyone(FORM)
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Whoever has the link; somebody without an account makes one here, and only here."""
    try:
        found = invitation_find(token=token)
    except NotFound:
        return _dead(request)
    known = invitation_person(invitation=found)
    signed_in = isinstance(request.user, User)
    newcomer = known is None and not signed_in
    form = NewcomerForm(request.POST or None) if newcomer else None
    if form is not None and request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            user = invitation_accept_as_new(
                token=token, actor=actor_of(request), **form.cleaned_data
            )
            return signed_in_at_once(request, user, to=_page_of(found))
    page = _page(request, found, token) | {"form": form}
    return form_page(request, "invitation/page.html", page)


@by_anyone_signed_in(WRITE)
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """With the account that is signed in, if the invitation was sent to its address."""
    try:
        place = invitation_accept(token=token, actor=actor_of(request), user=person_of(request))
    except NotFound:
        return _dead(request)
    except NotAllowed:
        return redirect("invitation", token)  # which says so, and what to do
    messages.success(request, _("Welcome to %(name)s.") % {"name": place.name})
    return redirect("organisation", place.slug)


def _page(request: HttpRequest, found: Invitation, token: str) -> dict[str, Any]:
    user = request.user if isinstance(request.user, User) else None
    role = Role(found.role)
    return {
        "organisation_name": found.organisation.name,
        "inviter": inviter_name(found),
        "role": role.label,
        "role_sentence": role_sentence(role),
        "token": token,
        # Whoever is signed in as somebody else learns that, and not whose it is.
        "email": "" if user else found.email,
        "fits": bool(user and user.email == found.email),
        "reader": user.email if user else "",
    }


def _page_of(found: Invitation) -> str:
    return f"/organisations/{found.organisation.slug}/"


def _dead(request: HttpRequest) -> HttpResponse:
    """The same for every link that leads nowhere: used, withdrawn, expired, made up."""
    return render(request, "invitation/dead.html", status=404)

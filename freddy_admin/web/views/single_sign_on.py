"""Unlinks an account from single sign-on: one's own, or somebody's by a platform admin."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get
from freddy_admin.accounts.single_sign_on.links import link_remove
from freddy_admin.web.access import WRITE, by_anyone_signed_in, by_platform_admin, person_of
from freddy_admin.web.confirmed import confirmed_recently


@by_anyone_signed_in(WRITE)
@confirmed_recently(back="profile")
def unlink(request: HttpRequest) -> HttpResponse:
    """One's own."""
    _unlinked(request, person_of(request))
    return redirect("profile")


@by_platform_admin(WRITE)
@confirmed_recently(back="person")
def person_unlink(request: HttpRequest, person_id: int) -> HttpResponse:
    """Somebody's."""
    _unlinked(request, person_get(person_id=person_id))
    return redirect("person", person_id)


def _unlinked(request: HttpRequest, person: User) -> None:
    if link_remove(actor=actor_of(request), user=person):
        told = _(
            "%(name)s is unlinked. The next single sign-on with the same verified address links "
            "anew; whoever is signed in stays so."
        )
        messages.success(request, told % {"name": person})
    else:
        messages.info(request, _("There is no link to single sign-on."))

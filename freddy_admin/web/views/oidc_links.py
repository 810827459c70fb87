"""Unlinks an account from single sign-on: by its person, or by a platform admin."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.oidc.account_links import account_link_delete
from freddy_admin.accounts.people import person_get
from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.web.access import (
    WRITE_METHODS,
    platform_admin_required,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.reauthentication import reauthentication_required


@signed_in_user_required(WRITE_METHODS)
@reauthentication_required(return_view="profile")
def oidc_unlink_view(request: HttpRequest) -> HttpResponse:
    """Unlink the signed-in person's account."""
    _unlink_person(request, signed_in_user(request))
    return redirect("profile")


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="person")
def person_oidc_unlink_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """Unlink any person's account, for platform admins."""
    _unlink_person(request, person_get(person_id=person_id))
    return redirect("person", person_id)


def _unlink_person(request: HttpRequest, person: User) -> None:
    if account_link_delete(actor=actor_from_request(request), user=person):
        message = _(
            "%(name)s is unlinked. The next single sign-on with the same verified address links "
            "anew; whoever is signed in stays so."
        )
        messages.success(request, message % {"name": person})
    else:
        messages.info(request, _("There is no link to single sign-on."))

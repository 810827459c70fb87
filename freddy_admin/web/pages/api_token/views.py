"""A person's own API tokens of the panel: list, create (shown once), revoke."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.api_tokens.services import (
    api_token_create,
    api_token_revoke,
    api_tokens_list,
)
from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.core import clock
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.pages.api_token.forms import ApiTokenForm
from freddy_admin.web.pages.api_token.presenter import api_token_rows
from freddy_admin.web.reauthentication import reauthentication_required
from freddy_admin.wording.times import get_user_time


@signed_in_user_required()
def api_token_list_view(request: HttpRequest) -> HttpResponse:
    """The person's tokens by name, use and expiry; never a token itself."""
    rows = api_tokens_list(user=signed_in_user(request))
    return render(
        request,
        "api_tokens/page.html",
        {"tokens": api_token_rows(rows, get_user_time(clock.now()))},
    )


@signed_in_user_required(FORM_METHODS)
@reauthentication_required()
@sensitive_variables("token")
def api_token_create_view(request: HttpRequest) -> HttpResponse:
    """The form of a new token; the response to it is the only page that ever shows the token."""
    person = signed_in_user(request)
    form = ApiTokenForm(
        request.POST or None, available_organisations=organisations_visible(user=person)
    )
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            name, token_options = form.cleaned_data["name"], form.to_token_options()
            token = api_token_create(
                actor=actor_from_request(request),
                user=person,
                name=name,
                token_options=token_options,
            )
            return render(request, "api_tokens/created.html", {"token": token, "name": name})
    return render(request, "api_tokens/new.html", {"form": form})


@signed_in_user_required(WRITE_METHODS)
@reauthentication_required(return_view="api_tokens")
def api_token_revoke_view(request: HttpRequest, token_id: int) -> HttpResponse:
    """Revoke one token: it opens nothing from the next request on."""
    name = api_token_revoke(
        actor=actor_from_request(request), user=signed_in_user(request), token_id=token_id
    )
    messages.success(request, _("The token “%(name)s” was revoked.") % {"name": name})
    return redirect("api_tokens")

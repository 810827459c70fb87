"""A person's own API tokens of the panel: list, create (shown once), revoke."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.api_tokens import api_token_create, api_token_revoke, api_tokens_list
from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.accounts.models import ApiToken
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.organisations.access import organisations_visible
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.pages.api_token.forms import ApiTokenForm
from freddy_admin.wording.times import UserTime, format_day, get_user_time

LISTED_NAMES_LIMIT = 3


@signed_in_user_required()
def api_token_list_view(request: HttpRequest) -> HttpResponse:
    """The person's tokens by name, use and expiry; never a token itself."""
    tokens, user_time = api_tokens_list(user=signed_in_user(request)), get_user_time(clock.now())
    rows = [_api_token_row(token, user_time) for token in tokens]
    return render(request, "api_token/page.html", {"rows": rows})


def _api_token_row(token: ApiToken, user_time: UserTime) -> dict[str, Any]:
    """One token with its organisations and times in words; None where a time never comes."""
    expires_at, last_used_at = token.expires_at, token.last_used_at
    return {
        "token": token,
        "organisations": _organisations_text(token),
        "created": user_time.render_relative_cell(token.created_at),
        "last_used": last_used_at and user_time.render_relative_cell(last_used_at),
        "last_day": expires_at and format_day(expires_at.astimezone(user_time.zone).date()),
        "is_expired": expires_at is not None and expires_at <= user_time.now,
    }


def _organisations_text(token: ApiToken) -> str:
    if token.every_organisation:
        return _("all of yours")
    names = sorted(organisation.name for organisation in token.organisations.all())
    if not names:
        return _("none that is left")
    more = len(names) - LISTED_NAMES_LIMIT
    shown = ", ".join(names[:LISTED_NAMES_LIMIT])
    if more < 1:
        return shown
    return ngettext("%(names)s and %(n)d more", "%(names)s and %(n)d more", more) % {
        "names": shown,
        "n": more,
    }


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
            name = form.cleaned_data["name"]
            token = api_token_create(
                actor=actor_from_request(request),
                user=person,
                name=name,
                token_options=form.to_token_options(),
            )
            return render(request, "api_token/created.html", {"token": token, "name": name})
    return render(request, "api_token/new.html", {"form": form})


@signed_in_user_required(WRITE_METHODS)
@reauthentication_required(return_view="api_tokens")
def api_token_revoke_view(request: HttpRequest, token_id: int) -> HttpResponse:
    """Revoke one token: it opens nothing from the next request on."""
    name = api_token_revoke(
        actor=actor_from_request(request), user=signed_in_user(request), token_id=token_id
    )
    messages.success(request, _("The token “%(name)s” was revoked.") % {"name": name})
    return redirect("api_tokens")

"""A person's own panel tokens: the list, a new one shown once, the end of one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.tokens.panel_tokens import (
    api_token_create,
    api_token_revoke,
    api_tokens_of,
)
from freddy_admin.core import clock
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.web.access import FORM, WRITE, by_anyone_signed_in, person_of
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.forms import told_beside_fields
from freddy_admin.web.presenters.panel_tokens import token_views
from freddy_admin.web.presenters.times import reading
from freddy_admin.web.token_form import TokenForm


@by_anyone_signed_in()
def tokens(request: HttpRequest) -> HttpResponse:
    """What there is; never a token itself."""
    rows = api_tokens_of(user=person_of(request))
    return render(request, "tokens/page.html", {"tokens": token_views(rows, reading(clock.now()))})


@by_anyone_signed_in(FORM)
@confirmed_recently()
@sensitive_variables("token")
def token_new(request: HttpRequest) -> HttpResponse:
    """The form; sent, its answer is the one page that ever shows the token."""
    person = person_of(request)
    form = TokenForm(request.POST or None, places=organisations_visible(user=person))
    if request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            name, wish = form.cleaned_data["name"], form.wish()
            token = api_token_create(actor=actor_of(request), user=person, name=name, wish=wish)
            return render(request, "tokens/made.html", {"token": token, "name": name})
    return render(request, "tokens/new.html", {"form": form})


@by_anyone_signed_in(WRITE)
@confirmed_recently(back="tokens")
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """It opens nothing any more, from the next request on."""
    name = api_token_revoke(actor=actor_of(request), user=person_of(request), token_id=token_id)
    messages.success(request, _("The token “%(name)s” was revoked.") % {"name": name})
    return redirect("tokens")

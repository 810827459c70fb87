"""Everybody who uses the panel: for its platform admins."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import (
    person_admin_set,
    person_get,
    person_switch,
    second_factor_people,
)
from freddy_admin.accounts.single_sign_on.links import links_since
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.people import people_page
from freddy_admin.organisations.removing import (
    managed_alone,
    memberships_of,
)
from freddy_admin.vault.services.leavers import keys_owned, person_take_out
from freddy_admin.web.access import FORM, WRITE, by_platform_admin, person_of
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.people_forms import RemovePersonForm
from freddy_admin.web.presenters.people import people_query, people_view, person_view
from freddy_admin.web.presenters.times import reading

Change = Callable[[Actor, int], User]


@by_platform_admin()
def people(request: HttpRequest) -> HttpResponse:
    """A list with search."""
    search, page = people_query(request.GET)
    found = people_page(search=search, page=page)
    secured = second_factor_people(ids=[one.pk for one in found.people])
    view = people_view(found, search, secured, reading(clock.now()))
    return render(request, "people/page.html", {"view": view})


@by_platform_admin()
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """One of them, with what may be done."""
    found = person_get(person_id=person_id)
    secured = second_factor_people(ids=[found.pk])
    page = {
        "view": person_view(found, memberships_of(user=found), secured, reading(clock.now())),
        "alone": managed_alone(user=found) if found.is_active else [],
        "linked": links_since(user=found),
        "is_reader": found.pk == person_of(request).pk,
    }
    return render(request, "people/person.html", page)


@by_platform_admin(WRITE)
@confirmed_recently(back="person")
def person_change(request: HttpRequest, person_id: int) -> HttpResponse:
    """Platform admin or not, switched on or off."""
    found = person_get(person_id=person_id)
    change, told = _CHANGES.get(request.POST.get("do", ""), (None, None))
    if change is None or told is None:
        messages.error(request, _("Choose one of the buttons of this page."))
        return redirect("person", person_id)
    try:
        change(actor_of(request), found.pk)
    except Conflict as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, told() % {"name": found})
    # Whoever took these rights from themselves may not open the page any more.
    still = found.pk != person_of(request).pk or request.POST["do"] == "admin"
    return redirect("person", person_id) if still else redirect("overview")


@by_platform_admin(FORM)
@confirmed_recently()
def person_out(request: HttpRequest, person_id: int) -> HttpResponse:
    """Remove a person, after a page that says what goes and what stays."""
    found = person_get(person_id=person_id)
    form = RemovePersonForm(request.POST or None, expected=found.email)
    if request.method == "POST" and form.is_valid():
        try:
            person_take_out(actor=actor_of(request), person_id=found.pk)
        except Conflict as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("%(name)s was removed.") % {"name": found})
            return redirect("people" if found.pk != person_of(request).pk else "overview")
    page = {
        "form": form,
        "person": found,
        "places": memberships_of(user=found),
        "keys": len(keys_owned(user_id=found.pk)),
        "alone": managed_alone(user=found),
    }
    return render(request, "people/remove.html", page)


_CHANGES: dict[str, tuple[Change, Callable[[], str]]] = {
    "admin": (
        lambda actor, pk: person_admin_set(actor=actor, person_id=pk, is_admin=True),
        lambda: _("%(name)s is a platform admin now."),
    ),
    "not_admin": (
        lambda actor, pk: person_admin_set(actor=actor, person_id=pk, is_admin=False),
        lambda: _("%(name)s is no platform admin any more."),
    ),
    "off": (
        lambda actor, pk: person_switch(actor=actor, person_id=pk, is_active=False),
        lambda: _("The account of %(name)s is switched off, and every session of it has ended."),
    ),
    "on": (
        lambda actor, pk: person_switch(actor=actor, person_id=pk, is_active=True),
        lambda: _("%(name)s can sign in again."),
    ),
}

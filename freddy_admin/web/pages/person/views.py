"""The people who use the panel: list, details, rights and deletion, for platform admins."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.oidc.account_links import account_links_list
from freddy_admin.accounts.people import (
    person_get,
    person_ids_with_second_factor,
    person_set_active,
    person_set_platform_admin,
)
from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.people_search import people_search
from freddy_admin.organisations.person_deletion import (
    memberships_list,
    solely_managed_organisations,
)
from freddy_admin.vault.services.offboarding import owned_api_keys_list, person_offboard
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    platform_admin_required,
    signed_in_user,
)
from freddy_admin.web.pages.person.export import person_export
from freddy_admin.web.pages.person.forms import PersonDeleteForm
from freddy_admin.web.pages.person.presenter import (
    parse_people_query,
    people_list_context,
    person_row,
)
from freddy_admin.web.reauthentication import reauthentication_required
from freddy_admin.wording.times import get_user_time

PersonChange = Callable[[Actor, int], User]


@platform_admin_required()
def person_list_view(request: HttpRequest) -> HttpResponse:
    """The people of the panel, with a search."""
    search, page = parse_people_query(request.GET)
    people_page = people_search(search=search, page=page)
    ids_with_second_factor = person_ids_with_second_factor(
        ids=[person.pk for person in people_page.people]
    )
    view = people_list_context(
        people_page, search, ids_with_second_factor, get_user_time(clock.now())
    )
    return render(request, "people/page.html", {"view": view})


@platform_admin_required()
def person_detail_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person, with what a platform admin may do about them."""
    person = person_get(person_id=person_id)
    ids_with_second_factor = person_ids_with_second_factor(ids=[person.pk])
    template_context = {
        "view": person_row(
            person,
            memberships_list(user=person),
            ids_with_second_factor,
            get_user_time(clock.now()),
        ),
        "managed_alone_names": solely_managed_organisations(user=person)
        if person.is_active
        else [],
        "has_oidc_link": account_links_list(user=person),
    }
    return render(request, "people/person.html", template_context)


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="person")
def person_admin_or_active_update_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """Make a person platform admin or not, switch their account on or off."""
    person = person_get(person_id=person_id)
    change, message = _PERSON_CHANGES.get(request.POST.get("do", ""), (None, None))
    if change is None or message is None:
        messages.error(request, _("Choose one of the buttons of this page."))
        return redirect("person", person_id)
    try:
        change(actor_from_request(request), person.pk)
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, message() % {"name": person})
    # Whoever took these rights from themselves may not open the page any more.
    can_still_open_page = person.pk != signed_in_user(request).pk or request.POST["do"] == "admin"
    return redirect("person", person_id) if can_still_open_page else redirect("overview")


@platform_admin_required(FORM_METHODS)
@reauthentication_required()
def person_delete_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """Delete a person, after a page that says what goes and what stays."""
    person = person_get(person_id=person_id)
    form = PersonDeleteForm(request.POST or None, expected=person.email)
    if request.method == "POST" and form.is_valid():
        try:
            person_offboard(actor=actor_from_request(request), person_id=person.pk)
        except Conflict as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("%(name)s was removed.") % {"name": person})
            return redirect("people" if person.pk != signed_in_user(request).pk else "overview")
    template_context = {
        "form": form,
        "person": person,
        "memberships": memberships_list(user=person),
        "keys": len(owned_api_keys_list(user_id=person.pk)),
        "managed_alone_names": solely_managed_organisations(user=person),
    }
    return render(request, "people/remove.html", template_context)


_PERSON_CHANGES: dict[str, tuple[PersonChange, Callable[[], str]]] = {
    "admin": (
        lambda actor, pk: person_set_platform_admin(actor=actor, person_id=pk, is_admin=True),
        lambda: _("%(name)s is a platform admin now."),
    ),
    "not_admin": (
        lambda actor, pk: person_set_platform_admin(actor=actor, person_id=pk, is_admin=False),
        lambda: _("%(name)s is no platform admin any more."),
    ),
    "off": (
        lambda actor, pk: person_set_active(actor=actor, person_id=pk, is_active=False),
        lambda: _("The account of %(name)s is switched off, and every session of it has ended."),
    ),
    "on": (
        lambda actor, pk: person_set_active(actor=actor, person_id=pk, is_active=True),
        lambda: _("%(name)s can sign in again."),
    ),
}


@platform_admin_required(FORM_METHODS)
@reauthentication_required(return_view="person", is_download=True)
def person_export_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """JSON of what is kept about any person, for platform admins."""
    return person_export_response(request, person_get(person_id=person_id))


def person_export_response(request: HttpRequest, person: User) -> HttpResponse:
    if request.method == "HEAD":
        return HttpResponse(content_type="application/json")
    audit_event_record(
        tag=AuditTag.PERSON_EXPORTED, actor=actor_from_request(request), subject=person.email
    )
    export = person_export(person, user=signed_in_user(request))
    response = JsonResponse(export, json_dumps_params={"ensure_ascii": False, "indent": 1})
    filename = f"person-{person.pk}-{clock.now():%Y-%m-%d-%H%M}.json"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response

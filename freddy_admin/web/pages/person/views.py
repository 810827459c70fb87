"""The people who use the panel: list, details, rights and deletion, for platform admins."""

from functools import partial
from math import ceil
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.accounts.models import User
from freddy_admin.accounts.oidc.account_links import account_link_delete, account_links_list
from freddy_admin.accounts.people import (
    person_get,
    person_ids_with_second_factor,
    person_set_active,
    person_set_platform_admin,
)
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.person_deletion import (
    MEMBERSHIPS_PAGE_SIZE,
    SOLELY_MANAGED_LIMIT,
    membership_count,
    memberships_page,
    solely_managed_names,
)
from freddy_admin.organisations.selectors import people_search
from freddy_admin.vault.services.offboarding import owned_api_keys_list, person_offboard
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    platform_admin_required,
    signed_in_user,
)
from freddy_admin.web.pages.person.export import person_export_response
from freddy_admin.web.pages.person.forms import PersonDeleteForm
from freddy_admin.wording.times import UserTime, get_user_time

PAGE_NUMBER_LIMIT = 10_000
# What the buttons of a person's page do, and what is said afterwards.
PERSON_CHANGES = {
    "admin": (
        partial(person_set_platform_admin, is_admin=True),
        _l("%(name)s is a platform admin now."),
    ),
    "not_admin": (
        partial(person_set_platform_admin, is_admin=False),
        _l("%(name)s is no platform admin any more."),
    ),
    "off": (
        partial(person_set_active, is_active=False),
        _l("The account of %(name)s is switched off, and every session of it has ended."),
    ),
    "on": (partial(person_set_active, is_active=True), _l("%(name)s can sign in again.")),
}


@platform_admin_required()
def person_list_view(request: HttpRequest) -> HttpResponse:
    """The people of the panel, with a search."""
    search, page = parse_people_query(request.GET)
    people_page = people_search(search=search, page=page)
    secured_ids = person_ids_with_second_factor(ids=[person.pk for person in people_page.people])
    user_time = get_user_time(clock.now())
    template_context = {
        "rows": [_person_row(person, secured_ids, user_time) for person in people_page.people],
        "search": search,
        "pager": _pager(search, page, has_more=people_page.has_more),
    }
    return render(request, "person/page.html", template_context)


def parse_people_query(values: QueryDict) -> tuple[str, int]:
    """The search text of the address, and the page number."""
    page = values.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
    search = "".join(sign for sign in values.get("q", "") if sign.isprintable()).strip()[:100]
    return search, min(max(1, number), PAGE_NUMBER_LIMIT)


def _pager(search: str, page: int, *, has_more: bool) -> dict[str, str]:
    return {
        "previous_href": _people_page_url(search, page - 1) if page > 1 else "",
        "next_href": _people_page_url(search, page + 1) if has_more else "",
        "pages": _("Page %(page)s") % {"page": page},
    }


def _people_page_url(search: str, page: int) -> str:
    values = {"q": search, "page": "" if page == 1 else str(page)}
    return "?" + urlencode({name: value for name, value in values.items() if value})


def _person_row(person: User, secured_ids: set[int], user_time: UserTime) -> dict[str, Any]:
    last_login = person.last_login
    return {
        "person": person,
        "has_second_factor": person.pk in secured_ids,
        "last_sign_in": last_login and user_time.render_relative_cell(last_login),
    }


def _solely_managed_text(person: User) -> str:
    """The organisations that only this person manages, the first of them by name."""
    names = solely_managed_names(user=person)
    if len(names) <= SOLELY_MANAGED_LIMIT:
        return ", ".join(names)
    return _("%(names)s and others") % {"names": ", ".join(names[:SOLELY_MANAGED_LIMIT])}


@platform_admin_required()
def person_detail_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person, with what a platform admin may do about them."""
    person = person_get(person_id=person_id)
    secured_ids = person_ids_with_second_factor(ids=[person.pk])
    count = membership_count(user=person)
    last_page = max(1, ceil(count / MEMBERSHIPS_PAGE_SIZE))
    page = min(parse_people_query(request.GET)[1], last_page)
    template_context = _person_row(person, secured_ids, get_user_time(clock.now())) | {
        "memberships": memberships_page(user=person, page=page),
        "membership_count": count,
        "pager": _pager("", page, has_more=page < last_page),
        "managed_alone": _solely_managed_text(person),
        "has_oidc_link": account_links_list(user=person),
    }
    return render(request, "person/person.html", template_context)


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="person")
def person_admin_or_active_update_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """Make a person platform admin or not, switch their account on or off."""
    person = person_get(person_id=person_id)
    button = request.POST.get("do", "")
    if button not in PERSON_CHANGES:
        messages.error(request, _("Choose one of the buttons of this page."))
        return redirect("person", person_id)
    change, message = PERSON_CHANGES[button]
    try:
        change(actor=actor_from_request(request), person_id=person.pk)
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, message % {"name": person})
    # Whoever took these rights from themselves may not open the page any more.
    can_still_open_page = person.pk != signed_in_user(request).pk or button == "admin"
    return redirect("person", person_id) if can_still_open_page else redirect("overview")


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="person")
def person_oidc_unlink_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """Unlink any person's account, for platform admins."""
    person_oidc_unlink(request, person_get(person_id=person_id))
    return redirect("person", person_id)


def person_oidc_unlink(request: HttpRequest, person: User) -> None:
    """Unlink the person from single sign-on and say so; the profile page does it too."""
    if account_link_delete(actor=actor_from_request(request), user=person):
        message = _(
            "%(name)s is unlinked. The next single sign-on with the same verified address links "
            "anew; whoever is signed in stays so."
        )
        messages.success(request, message % {"name": person})
    else:
        messages.info(request, _("There is no link to single sign-on."))


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
        "membership_count": membership_count(user=person),
        "keys": len(owned_api_keys_list(user_id=person.pk)),
        "managed_alone": _solely_managed_text(person),
    }
    return render(request, "person/remove.html", template_context)


@platform_admin_required(FORM_METHODS)
@reauthentication_required(return_view="person", is_download=True)
def person_export_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """JSON of what is kept about any person, for platform admins."""
    return person_export_response(request, person_get(person_id=person_id))

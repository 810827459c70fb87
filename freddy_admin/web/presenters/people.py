"""Everybody who uses the panel, as platform admins see them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.people import PeoplePage
from freddy_admin.organisations.roles import Role
from freddy_admin.web.presenters.roles import role_name
from freddy_admin.web.presenters.times import Reading

LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class PlaceView:
    """Where a person belongs."""

    name: str
    role: str
    href: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """A line of the list, and the head of a person's own page."""

    person_id: int
    name: str
    email: str
    places: list[PlaceView]
    is_admin: bool
    is_active: bool
    last_sign_in: SafeString | str
    second_factor: str
    href: str


@dataclass(frozen=True, slots=True)
class PeopleView:
    """The list."""

    people: list[PersonView]
    search: str
    earlier: str
    later: str
    pages: str


def people_query(values: QueryDict) -> tuple[str, int]:
    """What is looked for, and the page."""
    page = values.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
    search = "".join(sign for sign in values.get("q", "") if sign.isprintable()).strip()[:100]
    return search, min(max(1, number), LAST_PAGE)


def people_view(found: PeoplePage, search: str, secured: set[int], on: Reading) -> PeopleView:
    """The list; `secured` are those with a second factor."""
    return PeopleView(
        people=[person_view(one, list(one.memberships.all()), secured, on) for one in found.people],
        search=search,
        earlier=_address(search, found.page - 1) if found.page > 1 else "",
        later=_address(search, found.page + 1) if found.has_more else "",
        pages=_("Page %(page)s") % {"page": found.page},
    )


def person_view(
    one: User, memberships: list[Membership], secured: set[int], on: Reading
) -> PersonView:
    """One person with where they belong."""
    return PersonView(
        person_id=one.pk,
        name=str(one),
        email=one.email if one.name else "",
        places=[_place(row) for row in memberships],
        is_admin=one.is_platform_admin,
        is_active=one.is_active,
        last_sign_in=on.cell(one.last_login) if one.last_login else _("never"),
        second_factor=_("yes") if one.pk in secured else _("no"),
        href=reverse("person", args=[one.pk]),
    )


def _place(row: Membership) -> PlaceView:
    here = row.organisation
    return PlaceView(here.name, role_name(Role(row.role)), reverse("members", args=[here.slug]))


def _address(search: str, page: int) -> str:
    values = {"q": search, "page": "" if page == 1 else str(page)}
    return "?" + urlencode({name: value for name, value in values.items() if value})

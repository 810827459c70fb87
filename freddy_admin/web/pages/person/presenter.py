"""Everybody who uses the panel, as platform admins see them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.people_search import PeoplePage
from freddy_admin.organisations.roles import Role
from freddy_admin.web.pages.role.presenter import role_name
from freddy_admin.wording.times import UserTime

PAGE_NUMBER_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class MembershipLink:
    """Where a person belongs."""

    name: str
    role: str
    href: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A line of the list, and the head of a person's own page."""

    person_id: int
    name: str
    email: str
    memberships: list[MembershipLink]
    is_admin: bool
    is_active: bool
    last_sign_in: SafeString | str
    second_factor: str
    href: str


@dataclass(frozen=True, slots=True)
class PeopleListContext:
    """One page of the people list."""

    people: list[PersonRow]
    search: str
    previous_href: str
    next_href: str
    pages: str


def parse_people_query(values: QueryDict) -> tuple[str, int]:
    """The search text of the address, and the page number."""
    page = values.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
    search = "".join(sign for sign in values.get("q", "") if sign.isprintable()).strip()[:100]
    return search, min(max(1, number), PAGE_NUMBER_LIMIT)


def people_list_context(
    people_page: PeoplePage, search: str, secured: set[int], user_time: UserTime
) -> PeopleListContext:
    """The list; `secured` are ids of people with a second factor."""
    return PeopleListContext(
        people=[
            person_row(person, list(person.memberships.all()), secured, user_time)
            for person in people_page.people
        ],
        search=search,
        previous_href=_people_page_url(search, people_page.page - 1)
        if people_page.page > 1
        else "",
        next_href=_people_page_url(search, people_page.page + 1) if people_page.has_more else "",
        pages=_("Page %(page)s") % {"page": people_page.page},
    )


def person_row(
    person: User, memberships: list[Membership], secured: set[int], user_time: UserTime
) -> PersonRow:
    """One person with where they belong."""
    return PersonRow(
        person_id=person.pk,
        name=str(person),
        email=person.email if person.name else "",
        memberships=[_membership_link(row) for row in memberships],
        is_admin=person.is_platform_admin,
        is_active=person.is_active,
        last_sign_in=user_time.render_relative_cell(person.last_login)
        if person.last_login
        else _("never"),
        second_factor=_("yes") if person.pk in secured else _("no"),
        href=reverse("person", args=[person.pk]),
    )


def _membership_link(row: Membership) -> MembershipLink:
    organisation = row.organisation
    return MembershipLink(
        organisation.name, role_name(Role(row.role)), reverse("members", args=[organisation.slug])
    )


def _people_page_url(search: str, page: int) -> str:
    values = {"q": search, "page": "" if page == 1 else str(page)}
    return "?" + urlencode({name: value for name, value in values.items() if value})

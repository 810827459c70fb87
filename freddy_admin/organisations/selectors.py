"""Organisations and people for forms, filters, commands and the platform admins' list."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import organisations_visible
from freddy_admin.organisations.models import Membership, Organisation


def organisation_assignable_users(*, organisation: Organisation) -> list[User]:
    """Active members and platform admins, by name: the possible owners of a key here."""
    memberships = Membership.objects.filter(user=OuterRef("pk"), organisation=organisation)
    people = User.objects.filter(Exists(memberships) | Q(is_platform_admin=True), is_active=True)
    return sorted(people, key=lambda person: (str(person).casefold(), person.pk))


def organisation_get_by_slug(*, slug: str) -> Organisation:
    """The organisation for an operator's command, without a check of rights; raises NotFound."""
    organisation = Organisation.objects.filter(slug=slug).first()
    if organisation is None:
        raise NotFound(_("There is no organisation with the slug “%(slug)s”.") % {"slug": slug})
    return organisation


def organisation_find_by_name(*, user: User | AnonymousUser, name: str) -> Organisation | None:
    """The organisation with exactly this name or slug, if the person may see it; else None.

    For filters: a foreign organisation's existence must not show.
    """
    if not name:
        return None
    return organisations_visible(user=user).filter(Q(name=name) | Q(slug=name)).first()


PAGE_SIZE = 50
SEARCH_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of people, by address; `has_more` where another follows."""

    people: list[User]
    page: int
    has_more: bool


def people_search(*, search: str, page: int) -> PeoplePage:
    """People whose name, address or organisation contains the search text; two queries.

    Memberships and their organisations are prefetched.
    """
    people = User.objects.order_by("email")
    words = search.replace("\x00", "").strip()[:SEARCH_LIMIT]
    if words:
        matching_memberships = Membership.objects.filter(
            user=OuterRef("pk"), organisation__name__icontains=words
        )
        people = people.filter(
            Q(name__icontains=words) | Q(email__icontains=words) | Exists(matching_memberships)
        )
    memberships = Membership.objects.select_related("organisation").order_by("organisation__name")
    start = (page - 1) * PAGE_SIZE
    rows = list(
        people.prefetch_related(Prefetch("memberships", queryset=memberships))[
            start : start + PAGE_SIZE + 1
        ]
    )
    return PeoplePage(rows[:PAGE_SIZE], page, len(rows) > PAGE_SIZE)

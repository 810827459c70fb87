"""Organisations and people for forms, filters, commands and the platform admins' list."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Coalesce
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
LISTED_MEMBERSHIPS = 3
SEARCH_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of people, by address; `has_more` where another follows."""

    people: Sequence[User]
    page: int
    has_more: bool


def people_search(*, search: str, page: int) -> PeoplePage:
    """People whose name, address or organisation contains the search text; two queries.

    Each has `listed_memberships`, the first `LISTED_MEMBERSHIPS` with their organisations, and
    `membership_count`, how many there are.
    """
    counts = (
        Membership.objects.filter(user=OuterRef("pk"))
        .order_by()
        .values("user")
        .annotate(n=Count("pk"))
        .values("n")
    )
    people = User.objects.order_by("email").annotate(membership_count=Coalesce(Subquery(counts), 0))
    words = search.replace("\x00", "").strip()[:SEARCH_LIMIT]
    if words:
        matching_memberships = Membership.objects.filter(
            user=OuterRef("pk"), organisation__name__icontains=words
        )
        people = people.filter(
            Q(name__icontains=words) | Q(email__icontains=words) | Exists(matching_memberships)
        )
    memberships = Membership.objects.select_related("organisation").order_by("organisation__name")
    listed = Prefetch("memberships", memberships[:LISTED_MEMBERSHIPS], "listed_memberships")
    start = (page - 1) * PAGE_SIZE
    rows = list(people.prefetch_related(listed)[start : start + PAGE_SIZE + 1])
    return PeoplePage(rows[:PAGE_SIZE], page, len(rows) > PAGE_SIZE)

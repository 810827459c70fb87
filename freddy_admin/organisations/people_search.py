"""Search over all people of the panel and their memberships, for platform admins alone."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, Q

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership

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

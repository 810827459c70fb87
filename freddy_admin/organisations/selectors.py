"""Organisations and people for forms, filters, commands and the platform admins' list."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User, email_normalize
from freddy_admin.core.errors import NotFound
from freddy_admin.core.text_validation import case_folded, spaces_fold
from freddy_admin.organisations.access import organisations_visible
from freddy_admin.organisations.models import Membership, Organisation


def organisation_assignable_users(*, organisation: Organisation) -> list[User]:
    """Active members and platform admins, by name: the possible owners of a key here."""
    memberships = Membership.objects.filter(user=OuterRef("pk"), organisation=organisation)
    people = User.objects.filter(Exists(memberships) | Q(is_platform_admin=True), is_active=True)
    return sorted(people, key=lambda person: (str(person).casefold(), person.pk))


def assignable_users_by_email(*, emails: Collection[str]) -> dict[tuple[str, str], User]:
    """Possible owners of keys by (name of an organisation, address); "" is every organisation.

    Two queries for each 500 addresses. Who is not in it has no account, or may not see the
    organisation: callers say the same of both.
    """
    users: dict[tuple[str, str], User] = {}
    addresses = sorted(set(emails))
    for start in range(0, len(addresses), EMAIL_BATCH_SIZE):
        batch = addresses[start : start + EMAIL_BATCH_SIZE]
        people = User.objects.filter(email__in=batch, is_active=True)
        users.update({("", person.email): person for person in people if person.is_platform_admin})
        memberships = Membership.objects.filter(user__in=people)
        users.update(
            {
                (membership.organisation.name, membership.user.email): membership.user
                for membership in memberships.select_related("organisation", "user")
            }
        )
    return users


def organisation_get_by_slug(*, slug: str) -> Organisation:
    """The organisation for an operator's command, without a check of rights; raises NotFound."""
    organisation = Organisation.objects.filter(slug=slug).first()
    if organisation is None:
        raise NotFound(_("There is no organisation with the slug “%(slug)s”.") % {"slug": slug})
    return organisation


def similar_organisation_names(*, names: Iterable[str]) -> dict[str, str]:
    """Those of these cleaned names that are new here but nearly another's, with that other name.

    Another one is an organisation, or a name before it, that differs in case, width or spaces
    alone; one query.
    """
    existing_names = list(Organisation.objects.order_by("pk").values_list("name", flat=True))
    names_by_folded = {case_folded(name): name for name in reversed(existing_names)}
    similar_names: dict[str, str] = {}
    known_names = set(existing_names)
    for name in dict.fromkeys(name for name in names if name not in known_names):
        other_name = names_by_folded.setdefault(case_folded(name), name)
        if other_name != name:
            similar_names[name] = other_name
    return similar_names


def organisation_find_by_name(*, user: User | AnonymousUser, name: str) -> Organisation | None:
    """The organisation with exactly this name or slug, if the person may see it; else None.

    For filters: a foreign organisation's existence must not show.
    """
    if not name:
        return None
    names = {name, spaces_fold(name)}
    return organisations_visible(user=user).filter(Q(name__in=names) | Q(slug=name)).first()


PAGE_SIZE = 50
LISTED_MEMBERSHIPS = 3
EMAIL_BATCH_SIZE = 500
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
            Q(name__icontains=words)
            | Q(email__icontains=words)
            | Q(email=email_normalize(words))
            | Exists(matching_memberships)
        )
    memberships = Membership.objects.select_related("organisation").order_by("organisation__name")
    listed = Prefetch("memberships", memberships[:LISTED_MEMBERSHIPS], "listed_memberships")
    start = (page - 1) * PAGE_SIZE
    rows = list(people.prefetch_related(listed)[start : start + PAGE_SIZE + 1])
    return PeoplePage(rows[:PAGE_SIZE], page, len(rows) > PAGE_SIZE)

"""What a person can choose from: the tags and owners of the keys they see, in one query."""

from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from freddy_admin.accounts.audience import Audience, audience_for
from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import compiled_query_fetch
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.person_display_names import can_see_addresses
from freddy_admin.organisations.roles import ROLE_PERMISSIONS
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.status.types import FilterOption
from freddy_admin.vault.models import ApiKey, KeyLifecycle, KeyTag

_COLUMNS = ("kind", "number", "word", "fallback")


def filter_options_list(*, user: User) -> tuple[list[FilterOption], list[FilterOption]]:
    """Tags and owners, each in order of their name."""
    param_values = {"person": user.pk}
    rows = (
        compiled_query_fetch(_filter_options_query, audience_for(user), param_values=param_values)
        if user.is_active
        else []
    )
    rows.sort(key=lambda row: (str(row["word"] or row["fallback"]), row["number"]))
    tags = {
        row["word"]: FilterOption(row["word"], row["word"]) for row in rows if row["kind"] == "tag"
    }
    owners = [
        FilterOption(str(row["number"]), row["word"] or row["fallback"] or _("a member"))
        for row in rows
        if row["kind"] == "owner"
    ]
    return list(tags.values()), owners


def _filter_options_query(audience: Audience) -> QuerySet[Any, Any]:
    tags = _all_tags() if audience.is_platform_admin else _tags_visible(audience)
    names = tags.annotate(kind=Value("tag"), number=Value(0), word=F("name"), fallback=F("name"))
    owners = _all_owners() if audience.is_platform_admin else _owners_visible(audience)
    address = F("email") if audience.is_platform_admin else _visible_owner_address(audience)
    people = owners.annotate(kind=Value("owner"), number=F("pk"), word=F("name"), fallback=address)
    tag_rows = names.order_by().values(*_COLUMNS)
    combined: QuerySet[Any, Any] = tag_rows.union(people.order_by().values(*_COLUMNS))
    return combined


def _visible_active_keys(audience: Audience) -> QuerySet[ApiKey]:
    organisations = organisations_visible(user=audience).order_by().values("pk")
    return ApiKey.objects.filter(status=KeyLifecycle.ACTIVE, organisation__in=organisations)


def _tags_visible(audience: Audience) -> QuerySet[KeyTag]:
    return KeyTag.objects.filter(keys__in=_visible_active_keys(audience))


def _owners_visible(audience: Audience) -> QuerySet[User]:
    return User.objects.filter(
        pk__in=_visible_active_keys(audience).exclude(owner=None).values("owner")
    )


def _visible_owner_address(audience: Audience) -> Case:
    """The owner's address where they own a key of an organisation that the audience manages."""
    roles = [
        role.value
        for role, permissions in ROLE_PERMISSIONS.items()
        if can_see_addresses(permissions)
    ]
    managed_organisations = Membership.objects.filter(user=audience.pk, role__in=roles).values(
        "organisation"
    )
    keys = ApiKey.objects.filter(
        owner=OuterRef("pk"), status=KeyLifecycle.ACTIVE, organisation__in=managed_organisations
    )
    return Case(When(Q(pk=audience.pk) | Exists(keys), then=F("email")), default=Value(""))


def _all_tags() -> QuerySet[Any]:
    # A search for a key per word, not per tag: each organisation has its own tag of the same word.
    tags_in_use = KeyTag.objects.filter(name=OuterRef("name"), keys__status=KeyLifecycle.ACTIVE)
    tag_names = KeyTag.objects.order_by().values("name").annotate(tags=Count("pk"))
    # The comparison with the count, always false, makes this a condition of the group.
    return tag_names.filter(Q(tags=0) | Exists(tags_in_use))


def _all_owners() -> QuerySet[User]:
    # There are fewer people than keys.
    owned_keys = ApiKey.objects.filter(owner=OuterRef("pk"), status=KeyLifecycle.ACTIVE)
    return User.objects.filter(Exists(owned_keys))

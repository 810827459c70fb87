"""The query for what the overview's filters offer: tags, and owners of keys."""

from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)

from freddy_admin.accounts.models import User
from freddy_admin.organisations.access import (
    ROLES_SEEING_ADDRESSES,
    Audience,
    organisations_visible,
)
from freddy_admin.organisations.models import Membership
from freddy_admin.vault.models import ApiKey, KeyLifecycle, KeyTag

_FILTER_OPTION_COLUMNS = ("kind", "number", "word", "fallback")


def filter_options_query(audience: Audience) -> QuerySet[Any, Any]:
    """One row per tag and owner that the audience may choose."""
    tags = _all_tags() if audience.is_platform_admin else _tags_visible(audience)
    names = tags.annotate(kind=Value("tag"), number=Value(0), word=F("name"), fallback=F("name"))
    owners = _all_owners() if audience.is_platform_admin else _owners_visible(audience)
    address = F("email") if audience.is_platform_admin else _visible_owner_address(audience)
    people = owners.annotate(kind=Value("owner"), number=F("pk"), word=F("name"), fallback=address)
    tag_rows = names.order_by().values(*_FILTER_OPTION_COLUMNS)
    combined: QuerySet[Any, Any] = tag_rows.union(people.order_by().values(*_FILTER_OPTION_COLUMNS))
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
    managed = Membership.objects.filter(user=audience.pk, role__in=ROLES_SEEING_ADDRESSES)
    keys = ApiKey.objects.filter(
        owner=OuterRef("pk"),
        status=KeyLifecycle.ACTIVE,
        organisation__in=managed.values("organisation"),
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

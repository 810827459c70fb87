"""What a person can choose from: the tags and owners of the keys they see, in one query."""

from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.readers import Reader, any_reader
from freddy_admin.core.prepared import prepared_values
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.names import sees_addresses
from freddy_admin.organisations.roles import PERMISSIONS
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.rows import Option
from freddy_admin.vault.models import ApiKey, KeyStatus, KeyTag

_COLUMNS = ("kind", "number", "word", "other")


def choices_read(*, user: User) -> tuple[list[Option], list[Option]]:
    """Tags and owners, each in order of their name."""
    given = {"person": user.pk}
    found = prepared_values(_choices, any_reader(user), given=given) if user.is_active else []
    found.sort(key=lambda one: (str(one["word"] or one["other"]), one["number"]))
    tags = {one["word"]: Option(one["word"], one["word"]) for one in found if one["kind"] == "tag"}
    owners = [
        Option(str(one["number"]), one["word"] or one["other"] or _("a member"))
        for one in found
        if one["kind"] == "owner"
    ]
    return list(tags.values()), owners


def _choices(reader: Reader) -> QuerySet[Any, Any]:
    tags = _tags_of_all() if reader.is_platform_admin else _tags_of(reader)
    names = tags.annotate(kind=Value("tag"), number=Value(0), word=F("name"), other=F("name"))
    owners = _owners_of_all() if reader.is_platform_admin else _owners_of(reader)
    address = F("email") if reader.is_platform_admin else _address_if_seen(reader)
    people = owners.annotate(kind=Value("owner"), number=F("pk"), word=F("name"), other=address)
    words = names.order_by().values(*_COLUMNS)
    both: QuerySet[Any, Any] = words.union(people.order_by().values(*_COLUMNS))
    return both


def _used(reader: Reader) -> QuerySet[ApiKey]:
    mine = organisations_visible(user=reader).order_by().values("pk")
    return ApiKey.objects.filter(status=KeyStatus.ACTIVE, organisation__in=mine)


def _tags_of(reader: Reader) -> QuerySet[KeyTag]:
    return KeyTag.objects.filter(keys__in=_used(reader))


def _owners_of(reader: Reader) -> QuerySet[User]:
    return User.objects.filter(pk__in=_used(reader).exclude(owner=None).values("owner"))


def _address_if_seen(reader: Reader) -> Case:
    """The owner's address where they own a key of an organisation whose members one looks after."""
    roles = [role.value for role, may in PERMISSIONS.items() if sees_addresses(may)]
    managed = Membership.objects.filter(user=reader.pk, role__in=roles).values("organisation")
    keys = ApiKey.objects.filter(
        owner=OuterRef("pk"), status=KeyStatus.ACTIVE, organisation__in=managed
    )
    return Case(When(Q(pk=reader.pk) | Exists(keys), then=F("email")), default=Value(""))


def _tags_of_all() -> QuerySet[Any]:
    # A look for a key per word, not per tag: each organisation has its own tag of the same word.
    using = KeyTag.objects.filter(name=OuterRef("name"), keys__status=KeyStatus.ACTIVE)
    words = KeyTag.objects.order_by().values("name").annotate(tags=Count("pk"))
    # The comparison with the count, always false, makes this a condition of the group.
    return words.filter(Q(tags=0) | Exists(using))


def _owners_of_all() -> QuerySet[User]:
    # There are fewer people than keys.
    owned = ApiKey.objects.filter(owner=OuterRef("pk"), status=KeyStatus.ACTIVE)
    return User.objects.filter(Exists(owned))

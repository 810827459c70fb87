"""Which keys the words that a person searches for leave: those with a word that begins like each.

Words of an organisation's name, of a key's label and of the organisation's id at Aitronos are
found by an index, whatever their case and accents; those of owners in the table of people.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import CharField, Q, QuerySet

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import Param, transform_value_or_param
from freddy_admin.core.search_words import search_words, word_range_end
from freddy_admin.organisations.access import ROLES_SEEING_ADDRESSES, Audience
from freddy_admin.organisations.models import Membership
from freddy_admin.sync.models import SearchWord, SyncStatus
from freddy_admin.vault.models import ApiKey

_MAX_WORDS = 8


def searched_words(text: str) -> list[str]:
    """The words of a search, at most 8."""
    return search_words(text)[:_MAX_WORDS]


def search_param_values(text: str) -> dict[str, str]:
    """The words of a search, as parameters of a compiled query."""
    return {f"word{number}": word for number, word in enumerate(searched_words(text))}


def words_found_q(words: Sequence[str | Param], *, user: User | Audience) -> Q:
    """Keys in which each of these words begins some word; none without any.

    An owner's address is searched only where the person may see it: whoever finds it by trying
    one letter after the other has read it.
    """
    condition = Q() if words else Q(pk__in=[])
    for word in words:
        condition &= Q(pk__in=_found_key_ids(word, user))
    return condition


def word_params(count: int) -> list[str | Param]:
    """So many words that are filled in when a compiled query runs; see `search_param_values`."""
    return [Param(f"word{number}", CharField()) for number in range(count)]


def _found_key_ids(word: str | Param, user: User | Audience) -> QuerySet[Any, Any]:
    # A range, and not LIKE, for which SQLite uses no index; a union and no OR, with which a
    # database reads every key.
    end = transform_value_or_param(word, word_range_end, CharField())
    in_person = transform_value_or_param(word, _person_pattern, CharField())
    found = SearchWord.objects.filter(word__gte=word, word__lt=end)
    organisations = found.filter(status=None).values("organisation")
    of_organisations = SyncStatus.objects.filter(organisation__in=organisations)
    named = User.objects.filter(name__iregex=in_person).values("pk")
    with_address = User.objects.filter(email__iregex=in_person).values("pk")
    by_address = ApiKey.objects.filter(owner__in=with_address)
    if not user.is_platform_admin:
        seeing = Membership.objects.filter(user=user.pk, role__in=ROLES_SEEING_ADDRESSES)
        by_address = by_address.filter(organisation__in=seeing.values("organisation"))
    return of_organisations.values("pk").union(
        found.filter(status__isnull=False).values("status"),
        ApiKey.objects.filter(owner__in=named).values("pk"),
        by_address.values("pk"),
    )


def _person_pattern(word: str) -> str:
    return rf"(^|\W|_){word}"

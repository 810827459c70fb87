"""Which keys the words that a person searches for leave: those with a word that begins like each.

Words of an organisation's name, of a key's label and of the organisation's id at Aitronos are
found by an index, whatever their case and accents; those of owners in the table of people.
"""

from typing import Any

from django.db.models import Q, QuerySet

from freddy_admin.accounts.models import User
from freddy_admin.core.search_words import search_words, word_prefix_q
from freddy_admin.organisations.access import ROLES_SEEING_ADDRESSES, Audience
from freddy_admin.organisations.models import Membership
from freddy_admin.sync.models import SearchWord, SyncStatus
from freddy_admin.vault.models import ApiKey

_MAX_WORDS = 8


def words_found_q(text: str, *, user: User | Audience) -> Q:
    """Keys in which each word of `text` begins some word; none for a text without any.

    An owner's address is searched only where the person may see it: whoever finds it by trying
    one letter after the other has read it.
    """
    words = search_words(text)[:_MAX_WORDS]
    condition = Q() if words else Q(pk__in=[])
    for word in words:
        condition &= Q(pk__in=_found_key_ids(word, user))
    return condition


def _found_key_ids(word: str, user: User | Audience) -> QuerySet[Any, Any]:
    # A union and no OR, with which a database reads every key.
    found = SearchWord.objects.filter(word_prefix_q("word", word))
    organisations = found.filter(status=None).values("organisation")
    of_organisations = SyncStatus.objects.filter(organisation__in=organisations)
    in_word = rf"(^|\W|_){word}"
    by_name = ApiKey.objects.filter(
        owner__in=User.objects.filter(name__iregex=in_word).values("pk")
    )
    with_address = User.objects.filter(email__iregex=in_word)
    by_address = ApiKey.objects.filter(owner__in=with_address.values("pk"))
    if not user.is_platform_admin:
        seeing = Membership.objects.filter(user=user.pk, role__in=ROLES_SEEING_ADDRESSES)
        by_address = by_address.filter(organisation__in=seeing.values("organisation"))
    return of_organisations.values("pk").union(
        found.filter(status__isnull=False).values("status"),
        by_name.values("pk"),
        by_address.values("pk"),
    )

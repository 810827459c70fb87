"""Names of organisations and keys as lists sort and search them, kept beside every sync status.

Each status has the names it is sorted by in its own row, where an index has them beside its state,
and `SearchWord` has their words. They are written here alone: for new keys, on renaming, and by
the worker, some keys a minute, where something was written past the services.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.signals import post_save
from django.dispatch import receiver

from freddy_admin.core.search_words import indexed_words
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import SearchWord, SyncStatus
from freddy_admin.vault.models import ApiKey

_BATCH = 500
# None for the words of the organisation's own name.
_Word = tuple[int, int | None, str]
_OrganisationNames = dict[int, str]
# Ids of the organisation and the status, the key's label, its organisation's id at Aitronos.
_KeyTexts = tuple[int, int, str, str]
_ABSENT = object()


@transaction.atomic
def status_names_write(*, key_ids: Collection[int]) -> int:
    """Write the names and search words of these keys, and the words of their organisations.

    Returns how many rows and words were not what they should be.
    """
    statuses = SyncStatus.objects.filter(pk__in=key_ids)
    return _names_write(statuses) + _words_write(*_texts(statuses))


def status_names_repair(*, after_key_id: int = 0) -> int:
    """Do so for the next keys by id; returns the last one, 0 at the end.

    For rows that were written past the services, by hand or by an older version.
    """
    later = SyncStatus.objects.filter(pk__gt=after_key_id).order_by("pk")
    key_ids = list(later.values_list("pk", flat=True)[:_BATCH])
    status_names_write(key_ids=key_ids)
    return key_ids[-1] if len(key_ids) == _BATCH else 0


def wrong_names_count() -> int:
    """How many rows and words differ from what they should be; reads all of them."""
    statuses = SyncStatus.objects.order_by("pk")
    wrong, key_ids = _misnamed(statuses).count(), list(statuses.values_list("pk", flat=True))
    for start in range(0, len(key_ids), _BATCH):
        batch = SyncStatus.objects.filter(pk__in=key_ids[start : start + _BATCH])
        wrong += sum(len(words) for words in _wrong_words(*_texts(batch)))
    return wrong


def _misnamed(statuses: QuerySet[SyncStatus]) -> QuerySet[SyncStatus]:
    return statuses.exclude(organisation_name=F("organisation__name"), key_label=F("key__label"))


def _names_write(statuses: QuerySet[SyncStatus]) -> int:
    misnamed = _misnamed(statuses).select_for_update(of=("self",)).order_by("pk")
    organisations = Organisation.objects.filter(pk=OuterRef("organisation_id"))
    return SyncStatus.objects.filter(pk__in=list(misnamed.values_list("pk", flat=True))).update(
        organisation_name=Subquery(organisations.values("name")),
        key_label=Subquery(ApiKey.objects.filter(pk=OuterRef("pk")).values("label")),
    )


def _texts(statuses: QuerySet[SyncStatus]) -> tuple[_OrganisationNames, list[_KeyTexts]]:
    """What these keys and their organisations are searched by."""
    columns = ("organisation_id", "pk", "key__label", "key__organization_id")
    rows = list(statuses.values_list("organisation__name", *columns))
    return {row[1]: row[0] for row in rows}, [row[1:] for row in rows]


def _words_write(names: _OrganisationNames, keys: Sequence[_KeyTexts]) -> int:
    surplus, missing = _wrong_words(names, keys)
    if surplus:
        SearchWord.objects.filter(pk__in=surplus).delete()
    SearchWord.objects.bulk_create(
        (
            SearchWord(organisation_id=organisation_id, status_id=status_id, word=word)
            for organisation_id, status_id, word in missing
        ),
        batch_size=_BATCH,
    )
    return len(surplus) + len(missing)


def _wrong_words(
    names: _OrganisationNames, keys: Sequence[_KeyTexts]
) -> tuple[list[int], list[_Word]]:
    """The ids of words that should not be there, and those that are missing."""
    missing: dict[_Word, None] = {}
    for organisation_id, name in names.items():
        missing |= _words(organisation_id, None, name)
    for organisation_id, status_id, *texts in keys:
        missing |= _words(organisation_id, status_id, *texts)
    of_keys = SearchWord.objects.filter(status__in=[status_id for _, status_id, *_ in keys])
    of_names = SearchWord.objects.filter(status=None, organisation__in=names)
    columns = ("organisation_id", "status_id", "word")
    surplus = [
        pk
        for words in (of_keys, of_names)
        for pk, *word in words.values_list("pk", *columns)
        # Each once: what is found here is not missing, and a second one is too many.
        if missing.pop(tuple(word), _ABSENT) is _ABSENT
    ]
    return surplus, list(missing)


def _words(organisation_id: int, status_id: int | None, *texts: str) -> dict[_Word, None]:
    words = sorted(word for text in texts for word in indexed_words(text))
    return dict.fromkeys((organisation_id, status_id, word) for word in words)


@receiver(post_save, sender=SyncStatus)
def _created_status_named(*, instance: SyncStatus, created: bool, **_kwargs: Any) -> None:
    if created:
        status_names_write(key_ids=[instance.pk])


@receiver(post_save, sender=ApiKey)
def _saved_key_named(
    *, instance: ApiKey, created: bool, update_fields: Collection[str] | None, **_kwargs: Any
) -> None:
    names = {"label", "organization_id"}
    if not created and (update_fields is None or names & set(update_fields)):
        status_names_write(key_ids=[instance.pk])


@receiver(post_save, sender=Organisation)
def _renamed_organisation_named(
    *, instance: Organisation, created: bool, update_fields: Collection[str] | None, **_kwargs: Any
) -> None:
    if created or (update_fields is not None and "name" not in update_fields):
        return
    with transaction.atomic():
        if _names_write(SyncStatus.objects.filter(organisation=instance)):
            _words_write({instance.pk: instance.name}, [])

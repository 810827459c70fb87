"""The words an organisation groups its keys by; a word that no key has any more goes."""

from collections.abc import Sequence

from freddy_admin.vault.models import ApiKey, KeyTag

_BATCH = 500


def tags_give(*, key: ApiKey, names: Sequence[str]) -> None:
    """Give the key exactly these cleaned tags; call inside a transaction."""
    if list(names) == tags_of(key=key):
        return
    tags = tags_ensure(organisation_id=key.organisation_id, names=names)
    key.tags.set([tags[name] for name in names])
    KeyTag.objects.filter(organisation_id=key.organisation_id, keys=None).delete()


def tags_ensure(*, organisation_id: int, names: Sequence[str]) -> dict[str, KeyTag]:
    """The organisation's tags of these names, made where they are missing."""
    new = [KeyTag(organisation_id=organisation_id, name=name) for name in names]
    KeyTag.objects.bulk_create(new, ignore_conflicts=True)
    found = KeyTag.objects.filter(organisation_id=organisation_id, name__in=names)
    return {tag.name: tag for tag in found}


def tags_of(*, key: ApiKey) -> list[str]:
    """The names of the key's tags, in order."""
    return list(key.tags.order_by("name").values_list("name", flat=True))


def tags_give_new(pairs: Sequence[tuple[ApiKey, Sequence[str]]]) -> None:
    """Tags for many keys that have none yet, in a constant number of batches."""
    wanted = {(key.organisation_id, name) for key, names in pairs for name in names}
    if not wanted:
        return
    new = [KeyTag(organisation_id=where, name=name) for where, name in sorted(wanted)]
    KeyTag.objects.bulk_create(new, batch_size=_BATCH, ignore_conflicts=True)
    tag_ids = _tag_ids(sorted({where for where, _name in wanted}))
    through = ApiKey.tags.through
    through.objects.bulk_create(
        [
            through(apikey_id=key.pk, keytag_id=tag_ids[key.organisation_id, name])
            for key, names in pairs
            for name in names
        ],
        batch_size=_BATCH,
    )


def _tag_ids(organisation_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = {}
    for start in range(0, len(organisation_ids), _BATCH):
        some = organisation_ids[start : start + _BATCH]
        tags = KeyTag.objects.filter(organisation_id__in=some)
        found.update({(tag.organisation_id, tag.name): tag.pk for tag in tags})
    return found

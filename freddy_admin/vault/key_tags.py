"""Tags of keys; a tag that no key has any more is deleted."""

from collections.abc import Sequence

from freddy_admin.vault.models import ApiKey, KeyTag

_BATCH_SIZE = 500


def key_tags_set(*, key: ApiKey, names: Sequence[str]) -> None:
    """Set the key's tags to exactly these cleaned names; call inside a transaction."""
    if list(names) == key_tag_names(key=key):
        return
    tags = tags_ensure(organisation_id=key.organisation_id, names=names)
    key.tags.set([tags[name] for name in names])
    KeyTag.objects.filter(organisation_id=key.organisation_id, keys=None).delete()


def tags_ensure(*, organisation_id: int, names: Sequence[str]) -> dict[str, KeyTag]:
    """The organisation's tags by name; missing ones are created."""
    new_tags = [KeyTag(organisation_id=organisation_id, name=name) for name in names]
    KeyTag.objects.bulk_create(new_tags, ignore_conflicts=True)
    tags = KeyTag.objects.filter(organisation_id=organisation_id, name__in=names)
    return {tag.name: tag for tag in tags}


def key_tag_names(*, key: ApiKey) -> list[str]:
    """The names of the key's tags, in order."""
    return list(key.tags.order_by("name").values_list("name", flat=True))


def key_tags_bulk_create(pairs: Sequence[tuple[ApiKey, Sequence[str]]]) -> None:
    """Add tags to many keys that have none yet, with few queries whatever their number."""
    tag_keys = {(key.organisation_id, name) for key, names in pairs for name in names}
    if not tag_keys:
        return
    new_tags = [
        KeyTag(organisation_id=organisation_id, name=name)
        for organisation_id, name in sorted(tag_keys)
    ]
    KeyTag.objects.bulk_create(new_tags, batch_size=_BATCH_SIZE, ignore_conflicts=True)
    tag_ids = _tag_ids_by_name(sorted({organisation_id for organisation_id, _name in tag_keys}))
    through = ApiKey.tags.through
    through.objects.bulk_create(
        [
            through(apikey_id=key.pk, keytag_id=tag_ids[key.organisation_id, name])
            for key, names in pairs
            for name in names
        ],
        batch_size=_BATCH_SIZE,
    )


def _tag_ids_by_name(organisation_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    tag_ids: dict[tuple[int, str], int] = {}
    for start in range(0, len(organisation_ids), _BATCH_SIZE):
        batch_ids = organisation_ids[start : start + _BATCH_SIZE]
        tags = KeyTag.objects.filter(organisation_id__in=batch_ids)
        tag_ids.update({(tag.organisation_id, tag.name): tag.pk for tag in tags})
    return tag_ids

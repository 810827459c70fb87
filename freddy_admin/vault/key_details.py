"""The details of a key beside its secret, and their validation."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT, api_environments
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text_validation import line_clean, spaces_fold
from freddy_admin.vault.models import ApiKey, KeyTag

LABEL_MAX_LENGTH: Final = 80
ORGANIZATION_ID_MAX_LENGTH: Final = 64
TAG_MAX_LENGTH: Final = 40
MAX_TAGS: Final = 20
MAX_GRACE_MINUTES: Final = 7 * 24 * 60
EXPIRY_YEAR_RANGE: Final = (2000, 2100)
_ISO_DAY: Final = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_DOTTED_DAY: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """A key's form fields beside the secret; `grace_minutes` None means the rule's default."""

    label: str
    organization_id: str = ""
    owner: User | None = None
    tags: tuple[str, ...] = ()
    grace_minutes: int | None = None
    expires_on: date | None = None


def key_details_clean(details: KeyDetails) -> KeyDetails:
    """Details with stripped texts and each tag once; raises InvalidInput with the field."""
    return KeyDetails(
        label=label_clean(details.label),
        organization_id=organization_id_clean(details.organization_id),
        owner=details.owner,
        tags=tags_clean(details.tags),
        grace_minutes=_grace_minutes_clean(details.grace_minutes),
        expires_on=_expires_on_clean(details.expires_on),
    )


def label_clean(text: str) -> str:
    """A key's label: 1 to 80 characters on one line."""
    return line_clean(text, field="label", limit=LABEL_MAX_LENGTH)


def organization_id_clean(text: str) -> str:
    """The organisation's id at Aitronos: empty, or up to 64 characters on one line."""
    return line_clean(
        text, field="organization_id", limit=ORGANIZATION_ID_MAX_LENGTH, required=False
    )


def environment_clean(text: str) -> str:
    """The name of an environment that is set up; empty stands for the default one."""
    name = text.strip().lower() or DEFAULT_ENVIRONMENT
    if name not in api_environments():
        raise InvalidInput(
            _("No such environment is set up here. There is: %(names)s.")
            % {"names": ", ".join(api_environments())},
            field="environment",
        )
    return name


def tags_clean(names: Iterable[str]) -> tuple[str, ...]:
    """Each tag once, in the order given, empty ones left out; at most 20 of 40 characters."""
    # Counted before any is validated: a pasted cell may hold thousands.
    typed_names = dict.fromkeys(spaces_fold(name) for name in names if name.strip())
    if len(typed_names) > MAX_TAGS:
        raise InvalidInput(
            _("A key has at most %(limit)d tags.") % {"limit": MAX_TAGS}, field="tags"
        )
    clean_names = (
        line_clean(name, field="tags", limit=TAG_MAX_LENGTH, required=False) for name in typed_names
    )
    return tuple(dict.fromkeys(clean_names))


def grace_minutes_parse(text: str) -> int | None:
    """The minutes that a cell of a table names, `90` or `90.0`; None for an empty one."""
    number = text.strip().removesuffix(".0")
    if not number:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise InvalidInput(
            _("Give a whole number of minutes, such as 90, or leave this empty."),
            field="grace_minutes",
        )
    return _grace_minutes_clean(int(number))


def expires_on_parse(text: str) -> date | None:
    """The day that a cell of a table names, as 2026-12-31 or 31.12.2026; None for an empty one."""
    cell = text.strip().removesuffix("00:00:00").removesuffix("T").strip()
    if not cell:
        return None
    match = _ISO_DAY.fullmatch(cell)
    parts = match.groups() if match else None
    if parts is None and (match := _DOTTED_DAY.fullmatch(cell)):
        parts = match.groups()[::-1]
    try:
        year, month, day = map(int, parts or ())
        return _expires_on_clean(date(year, month, day))
    except ValueError:
        raise InvalidInput(
            _("Give the day as 2026-12-31, or leave this empty."), field="expires_on"
        ) from None


def _grace_minutes_clean(minutes: int | None) -> int | None:
    if minutes is not None and not 1 <= minutes <= MAX_GRACE_MINUTES:
        raise InvalidInput(
            _("The grace is between 1 minute and 7 days (10,080 minutes)."), field="grace_minutes"
        )
    return minutes


def _expires_on_clean(day: date | None) -> date | None:
    first_year, last_year = EXPIRY_YEAR_RANGE
    if day is not None and not first_year <= day.year <= last_year:
        raise InvalidInput(
            _("Choose a day between the years %(first)d and %(last)d, or leave this empty.")
            % {"first": first_year, "last": last_year},
            field="expires_on",
        )
    return day


_BATCH_SIZE = 500


def key_tags_set(*, key: ApiKey, names: Sequence[str]) -> None:
    """Set the key's tags to exactly these cleaned names; call inside a transaction."""
    if list(names) == key_tag_names(key=key):
        return
    organisation_tags = KeyTag.objects.filter(organisation_id=key.organisation_id)
    new_tags = [KeyTag(organisation_id=key.organisation_id, name=name) for name in names]
    KeyTag.objects.bulk_create(new_tags, ignore_conflicts=True)
    key.tags.set(organisation_tags.filter(name__in=names))
    organisation_tags.filter(keys=None).delete()


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

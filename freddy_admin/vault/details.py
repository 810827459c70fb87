"""What a person may say about a key beside its secret, and what such words must look like."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text import line_clean

LABEL_LENGTH: Final = 80
ORGANIZATION_ID_LENGTH: Final = 64
TAG_LENGTH: Final = 40
TAGS_AT_MOST: Final = 20
GRACE_AT_MOST: Final = 7 * 24 * 60
EXPIRY_YEARS: Final = (2000, 2100)


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """What a form asks for beside the secret; `grace_minutes` None means the rule's own grace."""

    label: str
    organization_id: str = ""
    owner: User | None = None
    tags: tuple[str, ...] = ()
    grace_minutes: int | None = None
    expires_on: date | None = None


def details_clean(details: KeyDetails) -> KeyDetails:
    """The same, with stripped texts and each tag once; raises InvalidInput for a field."""
    return KeyDetails(
        label=label_clean(details.label),
        organization_id=organization_id_clean(details.organization_id),
        owner=details.owner,
        tags=tags_clean(details.tags),
        grace_minutes=_grace_clean(details.grace_minutes),
        expires_on=_expiry_clean(details.expires_on),
    )


def label_clean(text: str) -> str:
    """A key's label: 1 to 80 characters on one line."""
    return line_clean(text, field="label", limit=LABEL_LENGTH)


def organization_id_clean(text: str) -> str:
    """The organisation's id at Aitronos: empty, or up to 64 characters on one line."""
    return line_clean(text, field="organization_id", limit=ORGANIZATION_ID_LENGTH, required=False)


def tags_clean(names: Iterable[str]) -> tuple[str, ...]:
    """Each tag once, in the order given, empty ones left out; at most 20 of 40 characters."""
    # Counted before any is looked at: a pasted cell may hold thousands.
    typed = dict.fromkeys(name.strip() for name in names if name.strip())
    if len(typed) > TAGS_AT_MOST:
        raise InvalidInput(
            _("A key has at most %(limit)d tags.") % {"limit": TAGS_AT_MOST}, field="tags"
        )
    cleaned = (line_clean(name, field="tags", limit=TAG_LENGTH, required=False) for name in typed)
    return tuple(dict.fromkeys(cleaned))


def _grace_clean(minutes: int | None) -> int | None:
    if minutes is not None and not 1 <= minutes <= GRACE_AT_MOST:
        raise InvalidInput(
            _("The grace is between 1 minute and 7 days (10,080 minutes)."), field="grace_minutes"
        )
    return minutes


def _expiry_clean(day: date | None) -> date | None:
    first, last = EXPIRY_YEARS
    if day is not None and not first <= day.year <= last:
        raise InvalidInput(
            _("Choose a day between the years %(first)d and %(last)d, or leave this empty.")
            % {"first": first, "last": last},
            field="expires_on",
        )
    return day

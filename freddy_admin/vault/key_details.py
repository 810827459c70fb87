"""The details of a key beside its secret, and their validation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text_validation import line_clean

LABEL_MAX_LENGTH: Final = 80
ORGANIZATION_ID_MAX_LENGTH: Final = 64
TAG_MAX_LENGTH: Final = 40
MAX_TAGS: Final = 20
MAX_GRACE_MINUTES: Final = 7 * 24 * 60
EXPIRY_YEAR_RANGE: Final = (2000, 2100)


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


def tags_clean(names: Iterable[str]) -> tuple[str, ...]:
    """Each tag once, in the order given, empty ones left out; at most 20 of 40 characters."""
    # Counted before any is validated: a pasted cell may hold thousands.
    typed_names = dict.fromkeys(name.strip() for name in names if name.strip())
    if len(typed_names) > MAX_TAGS:
        raise InvalidInput(
            _("A key has at most %(limit)d tags.") % {"limit": MAX_TAGS}, field="tags"
        )
    clean_names = (
        line_clean(name, field="tags", limit=TAG_MAX_LENGTH, required=False) for name in typed_names
    )
    return tuple(dict.fromkeys(clean_names))


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

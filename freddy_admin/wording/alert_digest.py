"""What a digest says: how many incidents are new, ended, and open, in all and by organisation."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Phrases,
    Sentence,
    Text,
    say,
    say_counted,
)

_RESOLVED: Final[Any] = ngettext_lazy("{n} recovered", "{n} recovered", "n")
_OPENED: Final[Any] = ngettext_lazy("{n} new", "{n} new", "n")
_UNRESOLVED: Final[Any] = ngettext_lazy("{n} open", "{n} open", "n")
_MORE: Final[Any] = ngettext_lazy("And {n} more organisation.", "And {n} more organisations.", "n")
_SINCE: Final[Mapping[str, Text]] = {
    "daily": _("Since yesterday: {changes}."),
    "weekly": _("Since last week: {changes}."),
}


def digest_line(opened: int, resolved: int, unresolved: int) -> Sentence:
    """`2 recovered, 1 new, 1 open`; that all is well where nothing is to be counted."""
    counts = ((_RESOLVED, resolved), (_OPENED, opened), (_UNRESOLVED, unresolved))
    phrases = tuple(say_counted(text, count) for text, count in counts if count)
    if not phrases:
        return say(_("all is well, nothing changed"))
    return say("{counts}", counts=Phrases(phrases, ", "))


def digest_title(period: date, opened: int, resolved: int, unresolved: int) -> Sentence:
    """The subject; no two days have the same."""
    changes = digest_line(opened, resolved, unresolved)
    return say(_("Freddy Admin, {day}: {changes}"), day=period, changes=changes)


def digest_since(
    frequency: str, since: datetime, opened: int, resolved: int, unresolved: int
) -> Sentence:
    """Since when, and what; without a frequency the moment is named."""
    changes = digest_line(opened, resolved, unresolved)
    if frequency in _SINCE:
        return say(_SINCE[frequency], changes=changes)
    at = Moment(since, MomentStyle.EXACT)
    return say(_("Since {at}: {changes}."), at=at, changes=changes)


def more_organisations(count: int) -> Sentence:
    """That a digest names not all; empty where it does."""
    return say_counted(_MORE, count) if count else EMPTY

"""What the rules as they are would have told in the last days."""

from collections.abc import Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.wording.sentences import Sentence, Text, say, say_counted

_OWN: Final[Any] = ngettext_lazy(
    "With these rules you would have had {n} message in the last {days} days.",
    "With these rules you would have had {n} messages in the last {days} days.",
    "n",
)
_ALL: Final[Any] = ngettext_lazy(
    "All recipients together: {n} message.", "All recipients together: {n} messages.", "n"
)
_INCIDENTS: Final[Any] = ngettext_lazy(
    "{n} incident began in that time.", "{n} incidents began in that time.", "n"
)
_COUNTS: Final[dict[str, Any]] = {
    "opened": ngettext_lazy("{n} opening", "{n} openings", "n"),
    "reminder": ngettext_lazy("{n} reminder", "{n} reminders", "n"),
    "resolved": ngettext_lazy("{n} end", "{n} ends", "n"),
}
_MESSAGES: Final[Any] = ngettext_lazy("{n} message", "{n} messages", "n")
_TOLD: Final[dict[str, Any]] = {
    "opened": ngettext_lazy("opening of {n} incident", "opening of {n} incidents", "n"),
    "reminder": ngettext_lazy("reminder of {n} incident", "reminder of {n} incidents", "n"),
    "resolved": ngettext_lazy("end of {n} incident", "end of {n} incidents", "n"),
}
_MORE_ORGANISATIONS: Final[Any] = ngettext_lazy(
    "{names} and {n} more organisation", "{names} and {n} more organisations", "n"
)
MORE_MESSAGES: Final[Any] = ngettext_lazy(
    "and {n} message before these", "and {n} messages before these", "n"
)
HOW_IT_IS_MADE: Final[Text] = _(
    "What happened is replayed by the rules, channels and people of today: routing, grouping, "
    "delays, quiet hours, mutes, maintenance windows and reminders included. Nothing is sent."
)
NAMES_SHOWN: Final = 3


def rehearsal_summary(
    *, own: int, total: int, incidents: int, days: int, shows_others: bool
) -> tuple[Sentence, ...]:
    """How many messages the person would have had, and all recipients whom they may see."""
    sentences = [say_counted(_OWN, own, days=days)]
    if shows_others:
        sentences.append(say_counted(_ALL, total))
    sentences.append(say_counted(_INCIDENTS, incidents))
    return tuple(sentences)


def rehearsal_count(count: int) -> Sentence:
    """How many messages a recipient would have had."""
    return say_counted(_MESSAGES, count)


def rehearsal_kind_count(kind: str, count: int) -> Sentence:
    """How many of them were of this kind."""
    return say_counted(_COUNTS[kind], count)


def rehearsal_message(kind: str, *, incidents: int) -> Sentence:
    """What one message would have told."""
    return say_counted(_TOLD[kind], incidents)


def organisations_named(names: Sequence[str]) -> Sentence:
    """These organisations, the first few by name."""
    shown = ", ".join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    if more > 0:
        return say_counted(_MORE_ORGANISATIONS, more, names=shown)
    return say("{names}", names=shown)

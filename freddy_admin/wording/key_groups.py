"""Keys that report the very same sync, and keys of one organisation that contradict each other."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.sync.status.consistency import Disagreement, DisagreementKind
from freddy_admin.sync.status.types import SharedSyncGroup
from freddy_admin.wording.sentences import (
    Interval,
    Moment,
    Phrases,
    Sentence,
    Text,
    say,
    say_counted,
)

LISTED_NAMES_LIMIT = 3
CONTRADICTION_TITLE: Final = _("The keys of this organisation contradict each other")
IDENTICAL_FIGURES: Final = _(
    "All keys report identical figures. They most likely describe one shared catalogue of tools, "
    "so the numbers are not added up."
)


def shared_sync(group: SharedSyncGroup) -> Sentence:
    """Which keys report the same sync: the names of two organisations, and how many others."""
    if group.organisations == 1:
        text = _("These {keys} keys of {name} report the same sync.")
        return say(text, keys=group.keys, name=group.names[0])
    has_one_key_each = group.organisations == group.keys
    parts: dict[str, object] = {
        "keys": group.keys,
        "first": group.names[0],
        "second": group.names[1],
    }
    other_count = group.organisations - len(group.names)
    if not other_count:
        return say(
            _("These {keys} report the same sync: {first} and {second}.")
            if has_one_key_each
            else _("These {keys} keys report the same sync: {first} and {second}."),
            **parts,
        )
    return say_counted(_SHARED_WITH_OTHERS[has_one_key_each], other_count, **parts)


_SHARED_WITH_OTHERS: Final[Mapping[bool, Any]] = {
    True: ngettext_lazy(
        "These {keys} report the same sync: {first}, {second} and {n} other.",
        "These {keys} report the same sync: {first}, {second} and {n} others.",
        "n",
    ),
    False: ngettext_lazy(
        "These {keys} keys report the same sync: {first}, {second} and {n} other organisation.",
        "These {keys} keys report the same sync: {first}, {second} and {n} other organisations.",
        "n",
    ),
}


_MORE_GROUPS: Final[Any] = ngettext_lazy(
    "There is {n} more such group.", "There are {n} more such groups.", "n"
)


def shared_syncs_note(more_groups: int) -> tuple[Sentence, ...]:
    """How many more groups of keys there are, and what all this means for sums."""
    not_added_up = say(_("Their numbers are not added up."))
    return (
        (say_counted(_MORE_GROUPS, more_groups), not_added_up) if more_groups else (not_added_up,)
    )


_CONTRADICTIONS: Final[Mapping[DisagreementKind, Text]] = {
    DisagreementKind.ORGANIZATION_ID: _("The organisation at Aitronos is {most}, but {last}."),
    DisagreementKind.TOTAL_TOOLS: _("The number of tools is {most}, but {last}."),
    DisagreementKind.INTERVAL: _("A sync runs {most}, but {last}."),
    DisagreementKind.LAST_SYNC: _("The last sync came {most}, but {last}."),
}


_OTHERS_DIFFER: Final[Any] = ngettext_lazy(
    "something else according to {n} more key",
    "something else according to {n} more keys",
    "n",
)


def contradiction(disagreement: Disagreement) -> Sentence:
    """Which keys say what."""
    listed = disagreement.labels_by_value[:LISTED_NAMES_LIMIT]
    versions = [_version(disagreement.kind, value, labels) for value, labels in listed]
    other_count = sum(
        len(labels) for __, labels in disagreement.labels_by_value[LISTED_NAMES_LIMIT:]
    )
    if other_count:
        versions.append(say_counted(_OTHERS_DIFFER, other_count))
    most = Phrases(tuple(versions[:-1]), ", ")
    return say(_CONTRADICTIONS[disagreement.kind], most=most, last=versions[-1])


def contradiction_meaning(disagreements: Sequence[Disagreement]) -> Sentence:
    """What it may mean, and what to do."""
    kinds = {disagreement.kind for disagreement in disagreements}
    if DisagreementKind.ORGANIZATION_ID in kinds:
        return say(
            _(
                "One of these keys may belong to another organisation at Aitronos: compare them "
                "before you rely on what they show."
            )
        )
    return say(
        _(
            "One of these keys may belong to another organisation at Aitronos, or only some of "
            "them share one catalogue of connectors."
        )
    )


def _version(kind: DisagreementKind, value: object, labels: Sequence[str]) -> Sentence:
    keys = _quoted_labels(labels)
    if isinstance(value, datetime):
        return say(_("at {time} according to {keys}"), time=Moment(value), keys=keys)
    if value is None:
        return say(_("never according to {keys}"), keys=keys)
    if kind is DisagreementKind.INTERVAL and isinstance(value, int):
        if not value:
            return say(_("on no schedule according to {keys}"), keys=keys)
        value = Interval(value)
    return say(_("{value} according to {keys}"), value=value, keys=keys)


_MORE_KEYS: Final[Any] = ngettext_lazy("{n} more key", "{n} more keys", "n")


def _quoted_labels(labels: Sequence[str]) -> Sentence:
    """`“a”`, `“a” and “b”`, `“a”, “b” and 3 more keys`."""
    phrases = [say(_("“{label}”"), label=label) for label in labels[:LISTED_NAMES_LIMIT]]
    other_count = len(labels) - len(phrases)
    if other_count:
        phrases.append(say_counted(_MORE_KEYS, other_count))
    if len(phrases) == 1:
        return phrases[0]
    return say(_("{most} and {last}"), most=Phrases(tuple(phrases[:-1]), ", "), last=phrases[-1])

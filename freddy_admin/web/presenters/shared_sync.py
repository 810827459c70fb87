"""Keys that report the very same sync, and keys of one organisation that contradict each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.status.consistency import Disagreement, DisagreementKind, key_disagreements
from freddy_admin.sync.status.types import KeyRow, Overview, OverviewFilters, SharedSyncGroup
from freddy_admin.web.overview_query import overview_url
from freddy_admin.web.presenters.user_time import UserTime, format_interval

LISTED_NAMES_LIMIT = 3


@dataclass(frozen=True, slots=True)
class SharedSyncLine:
    """A sentence on one group of keys, and the link that shows exactly these keys."""

    words: str
    link: str
    href: str


@dataclass(frozen=True, slots=True)
class SharedSyncNotice:
    """The quiet notice of the overview; `more` may be empty."""

    lines: list[SharedSyncLine]
    more: str


@dataclass(frozen=True, slots=True)
class KeyContradictionNotice:
    """Which keys say what, a sentence per contradiction, and what it may mean."""

    lines: list[str]
    meaning: str


def shared_sync_notice(overview: Overview, path: str) -> SharedSyncNotice | None:
    """The notice on groups of keys that share a sync, without the group shown; None if empty."""
    lines = [
        _shared_sync_line(group, path)
        for group in overview.shared_sync_groups
        if group.figures_digest != overview.filters.figures_digest
    ]
    if not lines:
        return None
    number = overview.more_shared_sync_groups
    more = ngettext("There is %(n)d more such group.", "There are %(n)d more such groups.", number)
    return SharedSyncNotice(lines, more % {"n": number} if number else "")


def key_contradiction_notice(
    rows: list[KeyRow], user_time: UserTime
) -> KeyContradictionNotice | None:
    """The notice where keys of one organisation contradict each other, else None."""
    disagreements = key_disagreements(rows)
    if not disagreements:
        return None
    has_organization_id_conflict = any(
        disagreement.kind is DisagreementKind.ORGANIZATION_ID for disagreement in disagreements
    )
    return KeyContradictionNotice(
        lines=[_contradiction_sentence(disagreement, user_time) for disagreement in disagreements],
        meaning=_(
            "One of these keys may belong to another organisation at Aitronos: compare them before "
            "you rely on what they show."
        )
        if has_organization_id_conflict
        else _(
            "One of these keys may belong to another organisation at Aitronos, or only some of "
            "them share one catalogue of connectors."
        ),
    )


def _shared_sync_line(group: SharedSyncGroup, path: str) -> SharedSyncLine:
    parts = {"n": f"{group.keys:,}", "names": _group_organisation_names(group)}
    if group.organisations == 1:
        words = _("These %(n)s keys of %(names)s report the same sync.")
    elif group.organisations == group.keys:
        words = _("These %(n)s report the same sync: %(names)s.")
    else:
        words = _("These %(n)s keys report the same sync: %(names)s.")
    return SharedSyncLine(
        words=words % parts,
        link=_("Show these %(n)s") % parts,
        href=overview_url(OverviewFilters(), path, figures_digest=group.figures_digest),
    )


def _group_organisation_names(group: SharedSyncGroup) -> str:
    other_count = group.organisations - len(group.names)
    if not other_count:
        return _join_with_and(group.names)
    if group.organisations == group.keys:
        other_text = ngettext("%(n)s other", "%(n)s others", other_count)
    else:
        other_text = ngettext("%(n)s other organisation", "%(n)s other organisations", other_count)
    return _join_with_and((*group.names, other_text % {"n": f"{other_count:,}"}))


def _contradiction_sentence(disagreement: Disagreement, user_time: UserTime) -> str:
    sentences = {
        DisagreementKind.ORGANIZATION_ID: _("The organisation at Aitronos is %(versions)s."),
        DisagreementKind.TOTAL_TOOLS: _("The number of tools is %(versions)s."),
        DisagreementKind.INTERVAL: _("A sync runs %(versions)s."),
        DisagreementKind.LAST_SYNC: _("The last sync came %(versions)s."),
    }
    versions = [
        _("%(value)s according to %(keys)s")
        % {
            "value": _reported_value_text(disagreement.kind, value, user_time),
            "keys": _quoted_key_labels(labels),
        }
        for value, labels in disagreement.labels_by_value[:LISTED_NAMES_LIMIT]
    ]
    remaining_count = sum(
        len(labels) for __, labels in disagreement.labels_by_value[LISTED_NAMES_LIMIT:]
    )
    if remaining_count:
        other_keys = ngettext("%(n)d more key", "%(n)d more keys", remaining_count) % {
            "n": remaining_count
        }
        versions.append(_("something else according to %(keys)s") % {"keys": other_keys})
    parts = {"most": ", ".join(versions[:-1]), "last": versions[-1]}
    return sentences[disagreement.kind] % {"versions": _("%(most)s, but %(last)s") % parts}


def _reported_value_text(kind: DisagreementKind, value: object, user_time: UserTime) -> str:
    if isinstance(value, datetime):
        return _("at %(time)s") % {"time": user_time.format_clock(value)}
    if value is None:
        return _("never")
    if kind is DisagreementKind.INTERVAL and isinstance(value, int):
        return format_interval(value) if value else _("on no schedule")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _quoted_key_labels(labels: Sequence[str]) -> str:
    quoted_labels = [_("“%(label)s”") % {"label": label} for label in labels[:LISTED_NAMES_LIMIT]]
    remaining_count = len(labels) - len(quoted_labels)
    if remaining_count:
        quoted_labels.append(
            ngettext("%(n)d more key", "%(n)d more keys", remaining_count) % {"n": remaining_count}
        )
    return _join_with_and(quoted_labels)


def _join_with_and(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) == 1:
        return words[0]
    parts = {"most": ", ".join(words[:-1]), "last": words[-1]}
    return _("%(most)s and %(last)s") % parts

"""Keys that report the very same sync, and keys of one organisation that contradict each other."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from freddy_admin.sync.status.consistency import key_disagreements
from freddy_admin.sync.status.types import KeyRow, Overview, OverviewFilters, SharedSyncGroup
from freddy_admin.web.pages.overview.filters import overview_url
from freddy_admin.wording.key_groups import (
    CONTRADICTION_TITLE,
    contradiction,
    contradiction_meaning,
    shared_sync,
    shared_syncs_note,
)
from freddy_admin.wording.sentences import format_number, render_text
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class SharedSyncLine:
    """A sentence on one group of keys, and the link that shows exactly these keys."""

    words: str
    link: str
    href: str


@dataclass(frozen=True, slots=True)
class SharedSyncNotice:
    """The quiet notice of the overview."""

    lines: list[SharedSyncLine]
    note: str


@dataclass(frozen=True, slots=True)
class KeyContradictionNotice:
    """Which keys say what, a sentence per contradiction, and what it may mean."""

    title: str
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
    return SharedSyncNotice(lines, render_text(shared_syncs_note(overview.more_shared_sync_groups)))


def key_contradiction_notice(
    rows: list[KeyRow], user_time: UserTime
) -> KeyContradictionNotice | None:
    """The notice where keys of one organisation contradict each other, else None."""
    disagreements = key_disagreements(rows)
    if not disagreements:
        return None
    return KeyContradictionNotice(
        title=str(CONTRADICTION_TITLE),
        lines=[
            render_text(contradiction(disagreement), user_time) for disagreement in disagreements
        ],
        meaning=render_text(contradiction_meaning(disagreements)),
    )


def _shared_sync_line(group: SharedSyncGroup, path: str) -> SharedSyncLine:
    return SharedSyncLine(
        words=render_text(shared_sync(group)),
        link=_("Show these %(n)s") % {"n": format_number(group.keys)},
        href=overview_url(OverviewFilters(), path, figures_digest=group.figures_digest),
    )

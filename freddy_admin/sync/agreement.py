"""Which keys report the very same sync, and which keys of one organisation contradict each other.

Nothing in an answer of Aitronos names an organisation for sure, so several keys may describe one
and the same sync. Equal figures prove that only where they stayed equal: over several checks, or
from one sync to the next.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet, Window

from freddy_admin.accounts.models import User
from freddy_admin.accounts.readers import Reader, any_reader
from freddy_admin.core.prepared import Part
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.querying import NOW, speaking, visible_rows
from freddy_admin.sync.rows import Alike, KeyRow

GROUPS_SAID = 3
CHECKS_THAT_PROVE = 3
# A sync that came this shortly before a look may not have been shown to it yet.
ALLOWANCE = timedelta(minutes=5)


def alike_part(*, user: User) -> Part:
    """The largest groups of keys in view that report the same, to be asked for; see `alike_of`."""
    return Part(_groups, (any_reader(user),), GROUPS_SAID)


def alike_of(found: Sequence[Mapping[str, Any]]) -> tuple[list[Alike], int]:
    """These groups, and how many more there are.

    A group counts where every key in it has brought these figures three times in a row, or where
    all had the same ones before: they moved together.
    """
    said = [
        Alike(
            mark=one["figures_mark"],
            keys=one["keys"],
            organisations=one["organisations"],
            names=(one["first"], one["last"]) if one["organisations"] > 1 else (one["first"],),
        )
        for one in found
    ]
    return said, found[0]["groups"] - len(said) if found else 0


def _groups(reader: Reader) -> QuerySet[Any, Any]:
    # The marks of everybody's keys, from their index alone: most occur once.
    several = KeySync.objects.exclude(figures_mark="").values("figures_mark")
    several = several.annotate(keys=Count("pk")).filter(keys__gte=2).values("figures_mark")
    proven = Q(fewest__gte=CHECKS_THAT_PROVE) | Q(before=F("before_too")) & ~Q(before="")
    groups: QuerySet[Any, Any] = (
        visible_rows(user=reader, now=NOW)
        .filter(speaking(NOW), figures_mark__in=several)
        .values("figures_mark")
        .annotate(
            keys=Count("pk"),
            fewest=Min("figures_count"),
            before=Min("figures_before"),
            before_too=Max("figures_before"),
            organisations=Count("organisation", distinct=True),
            first=Min("organisation__name"),
            last=Max("organisation__name"),
        )
        .filter(proven, keys__gte=2)
        .annotate(groups=Window(Count("*")))
        .order_by("-keys", "first", "figures_mark")
    )
    return groups


class Contradiction(StrEnum):
    """What keys of one organisation cannot both be right about."""

    ORGANIZATION_ID = "organization_id"
    TOTAL_TOOLS = "total_tools"
    INTERVAL = "sync_interval_hours"
    LAST_SYNC = "last_sync_at"


Value = str | int | datetime | None
# Last sync, tools in all, interval: what several keys may say alike.
_Claim = tuple[datetime | None, int, int]
_CLAIMED = (Contradiction.LAST_SYNC, Contradiction.TOTAL_TOOLS, Contradiction.INTERVAL)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Which keys, by their labels, say which value; what most of them say comes first."""

    about: Contradiction
    versions: tuple[tuple[Value, tuple[str, ...]], ...]


def disagreements(rows: Iterable[KeyRow]) -> list[Disagreement]:
    """What the keys of one organisation contradict each other in; usually nothing.

    Only what they said lately counts. Of two keys that saw different syncs the one that saw the
    older one must have looked well after the newer one: else it may simply not have looked yet.
    """
    said: dict[Contradiction, _Labels] = {about: defaultdict(list) for about in Contradiction}
    looked: dict[_Claim, datetime] = {}
    for row in rows:
        if row.paused_at is not None or row.figures_are_former:
            continue
        if row.reported_organization_id:
            said[Contradiction.ORGANIZATION_ID][row.reported_organization_id].append(row.key_label)
        claim, at = _claim_of(row), row.observed_at
        if claim is not None and at is not None:
            looked[claim] = max(at, looked.get(claim, at))
            for about, value in zip(_CLAIMED, claim, strict=True):
                said[about][value].append(row.key_label)
    several = {about for about in Contradiction if len(said[about]) > 1}
    clashing = several & {Contradiction.ORGANIZATION_ID} | _clashing(looked, several)
    return [_told(about, said[about]) for about in Contradiction if about in clashing]


_Labels = dict[Value, list[str]]


def _claim_of(row: KeyRow) -> _Claim | None:
    """What the key says, where that still holds."""
    figures = row.figures
    if figures is None or row.unknown_at is None or row.unknown_at < row.now:
        return None
    return figures.last_sync_at, figures.total_tools, figures.sync_interval_hours


def _clashing(looked: Mapping[_Claim, datetime], several: set[Contradiction]) -> set[Contradiction]:
    """What two claims that may be held against each other differ in."""
    wanted, found = several & set(_CLAIMED), set[Contradiction]()
    for one, other in combinations(looked.items(), 2):
        if _comparable(one, other):
            pairs = zip(_CLAIMED, one[0], other[0], strict=True)
            found |= {about for about, mine, yours in pairs if mine != yours}
        if found == wanted:
            break
    return found


def _comparable(one: tuple[_Claim, datetime], other: tuple[_Claim, datetime]) -> bool:
    """Whether the one that saw the older sync has looked since the newer one."""
    (older, looked_at), (newer, __) = sorted((one, other), key=lambda seen: _since(seen[0][0]))
    if older[0] == newer[0]:
        return True
    return looked_at > _since(newer[0]) + ALLOWANCE


def _since(last_sync_at: datetime | None) -> datetime:
    return last_sync_at or _NEVER


_NEVER = datetime.min.replace(tzinfo=UTC)


def _told(about: Contradiction, labels: _Labels) -> Disagreement:
    versions = sorted(labels.items(), key=lambda one: (-len(one[1]), sorted(one[1])))
    return Disagreement(about, tuple((value, tuple(sorted(those))) for value, those in versions))

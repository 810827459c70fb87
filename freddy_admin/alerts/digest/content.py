"""What a digest says: a line for each organisation of the reader with what changed there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Q

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Incident, IncidentState
from freddy_admin.core.panel_urls import panel_url
from freddy_admin.organisations.access import organisations_visible

LINE_LIMIT: Final = 50


@dataclass(frozen=True, slots=True)
class DigestCounts:
    """Incidents that are new, that ended, and that are open now."""

    opened: int = 0
    resolved: int = 0
    unresolved: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing changed and nothing is wrong."""
        return not (self.opened or self.resolved or self.unresolved)


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One organisation."""

    organisation_name: str
    url: str
    counts: DigestCounts


@dataclass(frozen=True, slots=True)
class DigestContent:
    """The lines, most to do first; those that had no room are counted, and are in `counts`."""

    since: datetime
    counts: DigestCounts
    lines: tuple[DigestLine, ...]
    more: int
    organisations: int  # that the reader sees


def digest_content(*, user: User, since: datetime, until: datetime) -> DigestContent:
    """What the reader's organisations went through from `since` to `until`; two queries."""
    visible = organisations_visible(user=user)
    is_unresolved = ~Q(state=IncidentState.RESOLVED)
    is_new = Q(noticed_at__gt=since, noticed_at__lte=until)
    is_ended = Q(resolution_noticed_at__gt=since, resolution_noticed_at__lte=until)
    rows = (
        Incident.objects.filter(is_unresolved | is_new | is_ended, is_from_history=False)
        .filter(organisation__in=visible)
        .values("organisation__name", "organisation__slug")
        .annotate(
            opened=Count("pk", filter=is_new),
            resolved=Count("pk", filter=is_ended),
            unresolved=Count("pk", filter=is_unresolved),
        )
        .order_by("-unresolved", "-opened", "organisation__name")
    )
    lines = [
        DigestLine(
            organisation_name=row["organisation__name"],
            url=panel_url("organisation", row["organisation__slug"]),
            counts=DigestCounts(row["opened"], row["resolved"], row["unresolved"]),
        )
        for row in rows
    ]
    return DigestContent(
        since=since,
        counts=_total(lines),
        lines=tuple(lines[:LINE_LIMIT]),
        more=max(0, len(lines) - LINE_LIMIT),
        organisations=visible.count(),
    )


def _total(lines: list[DigestLine]) -> DigestCounts:
    return DigestCounts(
        opened=sum(line.counts.opened for line in lines),
        resolved=sum(line.counts.resolved for line in lines),
        unresolved=sum(line.counts.unresolved for line in lines),
    )

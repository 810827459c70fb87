"""Events that a clock ahead of time has stamped: listed where they were written, not on top.

Nothing of the log is changed for it. Their ids tell when they were written: they have their place
behind the last event before the first of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from django.db.models import Min, Q

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Place(Protocol):
    """A place in a list, see `selectors.Cursor`."""

    @property
    def at(self) -> datetime:
        """Behind, or before, what was written then."""

    @property
    def id(self) -> int:
        """Of several at that moment, this one."""

    @property
    def newer(self) -> bool:
        """Whether what is newer is asked for."""


@dataclass(frozen=True, slots=True)
class AheadBlock:
    """All events beyond the `horizon`; together they are listed at the moment `at`, by id."""

    horizon: datetime
    at: datetime

    def events(self) -> Q:
        """Those of the block."""
        return Q(at__gt=self.horizon)

    def others(self) -> Q:
        """All the others."""
        return Q(at__lte=self.horizon)

    def within(self, since: datetime | None, until: datetime | None) -> bool:
        """Whether it lies between these moments; None is no bound."""
        return (since is None or since <= self.at) and (until is None or self.at < until)

    def beyond(self, place: Place | None) -> Q | None:
        """Which of the block lie on the asked side of the place; None: none of them."""
        if place is None:
            return Q()
        if place.at == self.at:
            return Q(id__gt=place.id) if place.newer else Q(id__lt=place.id)
        return Q() if (self.at > place.at) == place.newer else None

    def list_at(self, events: Sequence[AuditEvent]) -> None:
        """Have these events know their place."""
        for event in events:
            event.listed_at = self.at


def ahead_block() -> AheadBlock | None:
    """The block, if there is one; one query where there is none, which is nearly always."""
    horizon = clock.now() + clock.AHEAD
    block = AheadBlock(horizon, _START)
    first = AuditEvent.objects.filter(block.events()).aggregate(first=Min("pk"))["first"]
    if first is None:
        return None
    before = AuditEvent.objects.filter(block.others(), pk__lt=first).order_by("-pk")
    at = before.values_list("at", flat=True).first()
    return replace(block, at=at) if at else block

"""Lists events that a clock wrote while it was ahead where they were written, not on top.

The log itself is not changed. Ids show the order of writing: these events are listed behind the
last event before the first of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from django.db.models import Min, Q

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock

_LOG_START = datetime(1970, 1, 1, tzinfo=UTC)


class CursorProtocol(Protocol):
    """A position in a list of events, see `selectors.AuditCursor`."""

    @property
    def at(self) -> datetime:
        """The moment of the event at the cursor."""

    @property
    def id(self) -> int:
        """The id of the event at the cursor."""

    @property
    def newer(self) -> bool:
        """Whether newer events are asked for, instead of older ones."""


@dataclass(frozen=True, slots=True)
class FutureEventGroup:
    """All events beyond the `horizon`; together they are listed at the moment `at`, by id."""

    horizon: datetime
    at: datetime

    def block_filter(self) -> Q:
        """Selects the events of the block."""
        return Q(at__gt=self.horizon)

    def outside_block_filter(self) -> Q:
        """Selects all events outside the block."""
        return Q(at__lte=self.horizon)

    def is_listed_between(self, since: datetime | None, until: datetime | None) -> bool:
        """Whether the block is listed between these moments; None is no bound."""
        return (since is None or since <= self.at) and (until is None or self.at < until)

    def block_beyond_cursor_filter(self, cursor: CursorProtocol | None) -> Q | None:
        """Selects the events of the block beyond the cursor; None: there are none."""
        if cursor is None:
            return Q()
        if cursor.at == self.at:
            return Q(id__gt=cursor.id) if cursor.newer else Q(id__lt=cursor.id)
        return Q() if (self.at > cursor.at) == cursor.newer else None

    def set_listed_at(self, events: Sequence[AuditEvent]) -> None:
        """Set the moment at which these events of the block are listed."""
        for event in events:
            event.listed_at = self.at


def future_event_group_get() -> FutureEventGroup | None:
    """The block, if there is one; costs one query where there is none, which is nearly always."""
    horizon = clock.now() + clock.FUTURE_TOLERANCE
    block = FutureEventGroup(horizon, _LOG_START)
    first_id = AuditEvent.objects.filter(block.block_filter()).aggregate(first_id=Min("pk"))[
        "first_id"
    ]
    if first_id is None:
        return None
    former_events = AuditEvent.objects.filter(
        block.outside_block_filter(), pk__lt=first_id
    ).order_by("-pk")
    at = former_events.values_list("at", flat=True).first()
    return replace(block, at=at) if at else block

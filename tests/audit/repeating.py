"""What tests of repeated events share: people, a clock that is moved, and sums of what is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freddy_admin.audit import repeats
from freddy_admin.audit.chain import chain_catch_up
from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.services import Actor, Place
from freddy_admin.audit.tags import RECORDING, Recording
from freddy_admin.audit.verifying import chain_verify

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COUNTED = [tag for tag, how in RECORDING.items() if how is Recording.REPEATS_COUNTED]
ALWAYS = [tag for tag, how in RECORDING.items() if how is Recording.ALWAYS]
ADA, BOB = Actor("Ada (ada@example.org)", id=1, address="192.0.2.1"), Actor("Bob", id=2)
ACME = Place(1, "Acme")


class Hand:
    """A clock that is moved."""

    at = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


def visitor(network: int) -> Actor:
    return Actor("somebody not signed in", address=f"2001:db8:{network:x}::1")


def told() -> list[tuple[str, dict[str, Any]]]:
    return [(event.subject, event.details) for event in AuditEvent.objects.order_by("pk")]


def total() -> int:
    """How often something happened, as far as the log and the counts beside it say."""
    events = AuditEvent.objects.values_list("details", flat=True)
    waiting = sum(repeats._untold(row) for row in RepeatCount.objects.all())
    return sum(details.get("more_times", 1) for details in events) + waiting


def in_order() -> None:
    chain_catch_up(whole=True)
    assert chain_verify()[1] is None

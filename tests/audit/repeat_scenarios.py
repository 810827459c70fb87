"""What tests of repeated events share: actors, and sums over the log."""

from typing import Any

from freddy_admin.audit.chain import chain_append_missing
from freddy_admin.audit.chain_verification import chain_verify
from freddy_admin.audit.models import AuditEvent, RepeatCount, RepeatKind
from freddy_admin.audit.services import Actor, OrganisationRef
from freddy_admin.audit.tags import RECORDING_MODES, RecordingMode

COUNTED_TAGS = [tag for tag, mode in RECORDING_MODES.items() if mode is RecordingMode.COUNT_REPEATS]
ALWAYS_RECORDED_TAGS = [
    tag for tag, mode in RECORDING_MODES.items() if mode is RecordingMode.ALWAYS
]
ADA, BOB = Actor("Ada (ada@example.org)", id=1, address="192.0.2.1"), Actor("Bob", id=2)
ACME = OrganisationRef(1, "Acme")


def visitor_actor(network: int) -> Actor:
    return Actor("somebody not signed in", address=f"2001:db8:{network:x}::1")


def recorded_subjects_and_details() -> list[tuple[str, dict[str, Any]]]:
    return [(event.subject, event.details) for event in AuditEvent.objects.order_by("pk")]


def recorded_occurrences() -> int:
    """How many events happened, by the log and by the counts that are not flushed yet."""
    events = AuditEvent.objects.values_list("details", flat=True)
    # The first of equal events was written itself; the first one beyond a limit was not.
    pending = sum(row.times + (row.kind != RepeatKind.SAME) for row in RepeatCount.objects.all())
    return sum(details.get("more_times", 1) for details in events) + pending


def assert_chain_valid() -> None:
    chain_append_missing(whole=True)
    assert chain_verify()[1] is None

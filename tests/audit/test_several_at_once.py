"""Many writers at the same moment: one chain, without a gap, and nobody waits in a circle."""

from functools import partial

import pytest
from django.db import connection, transaction

from freddy_admin.audit.chain import chain_catch_up, events_unlinked
from freddy_admin.audit.models import AuditEvent, AuditHead, AuditLink
from freddy_admin.audit.services import OPERATOR, Place, audit_record, audit_record_each
from freddy_admin.audit.tags import Tag
from freddy_admin.audit.verifying import chain_verify
from freddy_admin.organisations.models import Organisation
from tests.at_once import (
    ON_SQLITE,
    alone,
    at_once,
    shared,  # noqa: F401  the database of these tests
)

WRITERS, EACH = 8, 10

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


def _write(number: int) -> None:
    for count in range(EACH):
        with transaction.atomic():
            audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject=f"{number}.{count}")


def test_every_event_has_its_place_after_its_commit() -> None:
    at_once([partial(_write, number) for number in range(WRITERS)])

    def look() -> tuple[list[int], int, object]:
        places = list(AuditLink.objects.order_by("place").values_list("place", flat=True))
        return places, AuditHead.objects.get().count, chain_verify()[1]

    total = WRITERS * EACH
    assert alone(look) == (list(range(1, total + 1)), total, None)


def test_what_a_transaction_took_back_leaves_no_gap() -> None:
    def undone() -> None:
        with transaction.atomic():
            audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject="undone")
            transaction.set_rollback(True)
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject="done")

    at_once([undone] * 4)

    def look() -> tuple[int, int, object]:
        return AuditEvent.objects.count(), AuditLink.objects.count(), chain_verify()[1]

    assert alone(look) == (4, 4, None)


def test_locks_taken_after_an_event_meet_no_lock_of_the_chain() -> None:
    """One locks a row, then writes an event; the other the other way round."""
    rows = alone(
        lambda: [Organisation.objects.create(name=name, slug=name).pk for name in ("a", "b")]
    )

    def lock(pk: int) -> None:
        Organisation.objects.select_for_update().get(pk=pk)

    def event_first() -> None:
        for _ in range(EACH):
            with transaction.atomic():
                audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
                lock(rows[0])

    def row_first() -> None:
        for _ in range(EACH):
            with transaction.atomic():
                lock(rows[0])
                audit_record(tag=Tag.EXPORTED, actor=OPERATOR)

    at_once([event_first, row_first] * 3)
    assert alone(lambda: chain_verify()[1]) is None


def test_a_long_transaction_with_events_keeps_nobody_waiting() -> None:
    if ON_SQLITE:
        pytest.skip("SQLite lets one writer in at a time, whatever is written.")
    with transaction.atomic():
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject="long")
        alone(lambda: audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject="meanwhile"))
        assert AuditLink.objects.count() == 1
    assert AuditLink.objects.count() == 2
    assert chain_verify()[1] is None


def test_ten_thousand_at_once_are_chained_with_few_statements() -> None:
    places = [Place(number, f"Organisation {number}") for number in range(10_000)]

    def write() -> tuple[int, int]:
        counting = _Counting()
        with connection.execute_wrapper(counting):
            audit_record_each(tag=Tag.ORGANISATION_CREATED, actor=OPERATOR, places=places)
        return counting.statements, AuditLink.objects.count()

    statements, linked = alone(write)
    assert linked == 10_000
    assert statements <= 300


def test_what_a_killed_process_left_is_linked_by_the_next_round() -> None:
    def killed() -> None:
        # The process ends between its commit and the link.
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
        with transaction.atomic():
            audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject="left over")
            connection.run_on_commit.clear()

    def next_round() -> tuple[int, int, int]:
        left = events_unlinked().count()
        return left, chain_catch_up(), events_unlinked().count()

    alone(killed)
    assert alone(next_round) == (1, 1, 0)


class _Counting:
    def __init__(self) -> None:
        self.statements = 0

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        self.statements += 1
        return execute(sql, params, many, context)

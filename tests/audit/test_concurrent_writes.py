"""Concurrent writers make one chain without a gap, and without a deadlock."""

from functools import partial

import pytest
from django.db import connection, transaction

from freddy_admin.audit.chain import chain_append_missing, unlinked_events
from freddy_admin.audit.chain_verification import chain_verify
from freddy_admin.audit.models import AuditEvent, AuditHead, AuditLink
from freddy_admin.audit.services import (
    OPERATOR,
    OrganisationRef,
    audit_event_record,
    audit_event_record_for_organisations,
)
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.models import Organisation
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)

WRITERS, EVENTS_PER_WRITER = 8, 10

pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


def _record_events(number: int) -> None:
    for count in range(EVENTS_PER_WRITER):
        with transaction.atomic():
            audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR, subject=f"{number}.{count}")


def test_every_event_has_a_place_in_the_chain_after_its_commit() -> None:
    run_concurrently([partial(_record_events, number) for number in range(WRITERS)])

    def read_chain() -> tuple[list[int], int, object]:
        places = list(AuditLink.objects.order_by("place").values_list("place", flat=True))
        return places, AuditHead.objects.get().count, chain_verify()[1]

    total = WRITERS * EVENTS_PER_WRITER
    assert run_in_thread(read_chain) == (list(range(1, total + 1)), total, None)


def test_a_rolled_back_event_leaves_no_gap() -> None:
    def roll_back_and_record() -> None:
        with transaction.atomic():
            audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR, subject="undone")
            transaction.set_rollback(True)
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR, subject="done")

    run_concurrently([roll_back_and_record] * 4)

    def read_chain() -> tuple[int, int, object]:
        return AuditEvent.objects.count(), AuditLink.objects.count(), chain_verify()[1]

    assert run_in_thread(read_chain) == (4, 4, None)


def test_row_locks_after_an_event_do_not_deadlock_with_the_chain() -> None:
    """Some writers lock a row and then record an event, others in the opposite order."""
    row_ids = run_in_thread(
        lambda: [Organisation.objects.create(name=name, slug=name).pk for name in ("a", "b")]
    )

    def lock_row(pk: int) -> None:
        Organisation.objects.select_for_update().get(pk=pk)

    def record_then_lock() -> None:
        for _ in range(EVENTS_PER_WRITER):
            with transaction.atomic():
                audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
                lock_row(row_ids[0])

    def lock_then_record() -> None:
        for _ in range(EVENTS_PER_WRITER):
            with transaction.atomic():
                lock_row(row_ids[0])
                audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)

    run_concurrently([record_then_lock, lock_then_record] * 3)
    assert run_in_thread(lambda: chain_verify()[1]) is None


def test_a_long_transaction_with_an_event_blocks_no_other_writer() -> None:
    if IS_SQLITE:
        pytest.skip("SQLite lets one writer in at a time, whatever is written.")
    with transaction.atomic():
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR, subject="long")
        run_in_thread(
            lambda: audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR, subject="meanwhile")
        )
        assert AuditLink.objects.count() == 1
    assert AuditLink.objects.count() == 2
    assert chain_verify()[1] is None


def test_ten_thousand_events_are_linked_with_few_statements() -> None:
    organisations = [OrganisationRef(number, f"Organisation {number}") for number in range(10_000)]

    def write() -> tuple[int, int]:
        counter = _QueryCounter()
        with connection.execute_wrapper(counter):
            audit_event_record_for_organisations(
                tag=AuditTag.ORGANISATION_CREATED, actor=OPERATOR, organisations=organisations
            )
        return counter.statements, AuditLink.objects.count()

    statements, linked = run_in_thread(write)
    assert linked == 10_000
    assert statements <= 300


def test_events_of_a_killed_process_are_linked_by_the_next_run() -> None:
    def record_and_die() -> None:
        # The process ends between its commit and the link.
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
        with transaction.atomic():
            audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR, subject="left over")
            connection.run_on_commit.clear()

    def append_missing() -> tuple[int, int, int]:
        unlinked_before = unlinked_events().count()
        return unlinked_before, chain_append_missing(), unlinked_events().count()

    run_in_thread(record_and_die)
    assert run_in_thread(append_missing) == (1, 1, 0)


class _QueryCounter:
    def __init__(self) -> None:
        self.statements = 0

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        self.statements += 1
        return execute(sql, params, many, context)

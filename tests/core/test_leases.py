"""The contract of a lease: one holder at a time, and a late one sends and stores nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from freddy_admin.core import clock, leases
from freddy_admin.core.leases import (
    Lease,
    LeaseDeadline,
    expired_leases,
    held_row_lock,
    is_held,
    lease_may_send,
    lease_release,
    lease_renew,
    leased_rows_list,
    leases_acquire,
)
from freddy_admin.sync.models import CatalogSnapshot
from freddy_admin.vault.models import ApiKey
from tests.concurrency import IS_SQLITE, run_in_thread, shared_database
from tests.core.leasable_rows import CREATE_ROW, create_rows
from tests.flows.panel_process import ROOT
from tests.flows.wait import wait_until
from tests.hand_clock import NOON, HandClock

__all__ = ["shared_database"]
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
every_leased_model = pytest.mark.parametrize(
    "model", CREATE_ROW, ids=lambda model: str(model.__name__)
)
# A process of its own: says that it is ready, waits for the word, leases three rows at a time.
LEASING_PROCESS = """
import sys, django
django.setup()
from datetime import UTC, datetime, timedelta
from django.db import connections
connections.settings["default"]["NAME"] = sys.argv[1]
from freddy_admin.core.leases import leases_acquire
from freddy_admin.sync.models import CatalogSnapshot
rows = CatalogSnapshot.objects.order_by("pk")
now, minute = datetime.now(UTC), timedelta(minutes=1)
rows.count()
print("ready", flush=True)
sys.stdin.readline()
while leases := leases_acquire(rows, limit=3, now=now, duration=minute):
    print(*(lease.row_id for lease in leases), flush=True)
"""


@pytest.fixture
def silent_database(db: None) -> Iterator[None]:
    """A database that answers no statement."""

    def fail(*_: Any) -> None:
        raise OperationalError("server closed the connection")

    with connection.execute_wrapper(fail):
        yield


def acquire(model: type[Any], limit: int = 10, **changes: Any) -> list[Lease]:
    rows = model.objects.order_by("pk")
    return leases_acquire(rows, limit=limit, now=clock.now(), duration=MINUTE, **changes)


def row_of(model: type[Any], lease: Lease) -> Any:
    return model.objects.filter(pk=lease.row_id)


def may_send(model: type[Any], lease: Lease, seconds: float = 10) -> bool:
    return lease_may_send(row_of(model, lease), lease, seconds=seconds)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shared_database")
def test_two_processes_never_lease_the_same_row() -> None:
    row_ids = run_in_thread(lambda: create_rows(CatalogSnapshot, 24))
    # SQLite's is the one that the fixture made; this thread's connection has another.
    settings = connections.settings["default"] if IS_SQLITE else connection.settings_dict
    command = [sys.executable, "-c", LEASING_PROCESS, str(settings["NAME"])]
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    leased_ids = [int(word) for output in outputs for word in output.split()]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(leased_ids) == row_ids


@pytest.mark.django_db
@pytest.mark.usefixtures("hand_clock")
@every_leased_model
def test_a_row_is_leased_once_in_the_order_of_its_query(model: type[Any]) -> None:
    first_id, second_id, third_id = create_rows(model, 3)
    assert [lease.row_id for lease in acquire(model, 2)] == [first_id, second_id]
    assert [lease.row_id for lease in acquire(model, 2)] == [third_id]
    assert acquire(model) == []


@pytest.mark.django_db
@every_leased_model
def test_a_lost_process_lease_is_free_at_its_end_and_no_sooner(
    model: type[Any], hand_clock: HandClock
) -> None:
    (row_id,) = create_rows(model, 1)
    (lost_lease,) = acquire(model)
    hand_clock.at += MINUTE - SECOND
    assert acquire(model) == []
    assert not expired_leases(model.objects.all(), now=clock.now(), duration=MINUTE).exists()
    hand_clock.at += SECOND
    expired_rows = expired_leases(model.objects.all(), now=clock.now(), duration=MINUTE)
    assert [row.pk for row in expired_rows] == [row_id]
    (lease,) = acquire(model)
    assert lease.token != lost_lease.token


@pytest.mark.django_db
@every_leased_model
def test_a_late_holder_neither_sends_nor_stores_nor_changes_the_lease(
    model: type[Any], hand_clock: HandClock
) -> None:
    create_rows(model, 1)
    (late_lease,) = acquire(model)
    hand_clock.at += MINUTE
    (lease,) = acquire(model)
    row = row_of(model, late_lease)
    assert not may_send(model, late_lease)
    assert held_row_lock(row, token=late_lease.token) is None
    assert not is_held(row.get().lease_token, late_lease.token)
    assert lease_renew(row, token=late_lease.token, duration=MINUTE) is None
    assert not lease_release(row, token=late_lease.token)
    assert leased_rows_list(model.objects.all(), [late_lease]) == []
    assert may_send(model, lease)
    held_row = held_row_lock(row, token=lease.token)
    assert held_row is not None
    assert is_held(held_row.lease_token, lease.token)
    assert leased_rows_list(model.objects.all(), [lease]) == [(lease, held_row)]


@pytest.mark.django_db
@pytest.mark.usefixtures("hand_clock")
@every_leased_model
def test_a_released_row_can_be_leased_at_once(model: type[Any]) -> None:
    create_rows(model, 1)
    (lease,) = acquire(model)
    assert lease_release(row_of(model, lease), token=lease.token)
    assert held_row_lock(row_of(model, lease), token=lease.token) is None
    assert not may_send(model, lease)
    assert len(acquire(model)) == 1


@pytest.mark.django_db
@every_leased_model
def test_a_renewed_lease_lasts_from_its_renewal(model: type[Any], hand_clock: HandClock) -> None:
    create_rows(model, 1)
    (lease,) = acquire(model)
    hand_clock.at += MINUTE - SECOND
    assert not lease.deadline.covers(10)
    deadline = lease_renew(row_of(model, lease), token=lease.token, duration=MINUTE)
    assert deadline is not None
    assert deadline.covers(59)
    assert not deadline.covers(61)
    hand_clock.at += MINUTE - SECOND
    assert acquire(model) == []
    hand_clock.at += SECOND
    assert len(acquire(model)) == 1


@pytest.mark.django_db
@every_leased_model
def test_a_lease_from_before_the_clock_was_set_back_holds_no_row(
    model: type[Any], hand_clock: HandClock
) -> None:
    create_rows(model, 1)
    acquire(model)
    # A lease of another process, with longer limits, may end as late as this.
    hand_clock.at -= timedelta(minutes=14)
    assert acquire(model) == []
    assert not expired_leases(model.objects.all(), now=clock.now(), duration=MINUTE).exists()
    hand_clock.at -= SECOND
    assert expired_leases(model.objects.all(), now=clock.now(), duration=MINUTE).exists()
    assert len(acquire(model)) == 1


@pytest.mark.django_db
def test_a_lease_that_is_over_and_that_nobody_acquired_since_stores_but_sends_nothing(
    hand_clock: HandClock,
) -> None:
    create_rows(CatalogSnapshot, 1)
    (lease,) = acquire(CatalogSnapshot)
    hand_clock.at += 2 * MINUTE
    assert not may_send(CatalogSnapshot, lease)
    assert held_row_lock(row_of(CatalogSnapshot, lease), token=lease.token) is not None


@pytest.mark.django_db
@pytest.mark.usefixtures("hand_clock")
def test_a_call_that_would_outlast_its_lease_is_not_sent() -> None:
    create_rows(CatalogSnapshot, 1)
    (lease,) = acquire(CatalogSnapshot)
    assert may_send(CatalogSnapshot, lease, seconds=50)
    assert not may_send(CatalogSnapshot, lease, seconds=61)


@pytest.mark.django_db
@pytest.mark.usefixtures("hand_clock")
def test_a_lease_that_is_over_by_the_clock_of_the_database_sends_nothing() -> None:
    create_rows(CatalogSnapshot, 1)
    (lease,) = acquire(CatalogSnapshot)
    assert may_send(CatalogSnapshot, lease)
    assert not may_send(CatalogSnapshot, replace(lease, database_end=lease.database_end - MINUTE))


@pytest.mark.usefixtures("hand_clock")
def test_a_lease_ends_while_the_machine_sleeps_and_its_wall_clock_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deadline, woken_at = LeaseDeadline.at(NOON + MINUTE), leases.seconds_since_boot() + 60
    assert deadline.covers(10)
    monkeypatch.setattr(leases, "seconds_since_boot", lambda: woken_at)
    assert not deadline.covers(10)


@pytest.mark.django_db
@pytest.mark.usefixtures("hand_clock")
def test_a_free_row_is_held_by_no_token() -> None:
    (row_id,) = create_rows(CatalogSnapshot, 1)
    assert not is_held("", "")
    assert held_row_lock(CatalogSnapshot.objects.filter(pk=row_id), token="") is None


@pytest.mark.django_db
@pytest.mark.usefixtures("hand_clock")
def test_acquiring_changes_further_columns_of_leased_rows_alone() -> None:
    leased_id, free_id = create_rows(CatalogSnapshot, 2)
    acquire(CatalogSnapshot, 1, total=7)
    totals = dict(CatalogSnapshot.objects.values_list("pk", "total"))
    assert totals == {leased_id: 7, free_id: 0}


@pytest.mark.django_db
@pytest.mark.usefixtures("hand_clock")
def test_acquiring_nothing_takes_one_statement_and_no_transaction() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert acquire(CatalogSnapshot) == []
    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]


@pytest.mark.usefixtures("silent_database", "hand_clock")
def test_nothing_is_sent_while_the_database_does_not_answer() -> None:
    deadline = LeaseDeadline.at(NOON + MINUTE)
    lease = Lease(row_id=1, token="t", deadline=deadline, database_end=NOON + MINUTE)
    assert not may_send(CatalogSnapshot, lease)
    assert lease_renew(row_of(CatalogSnapshot, lease), token="t", duration=MINUTE) is None


@pytest.mark.postgres
@pytest.mark.skipif(IS_SQLITE, reason="SQLite lets one writer in at a time")
@pytest.mark.django_db(transaction=True)
def test_a_row_that_was_waited_for_is_read_with_its_key_as_it_is_now() -> None:
    create_rows(CatalogSnapshot, 1)
    (lease,) = acquire(CatalogSnapshot)

    def lock_and_read() -> int:
        rows = row_of(CatalogSnapshot, lease).select_related("key")
        try:
            with transaction.atomic():
                row = held_row_lock(rows, token=lease.token)
                assert row is not None
                return int(row.key.version)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert held_row_lock(row_of(CatalogSnapshot, lease), token=lease.token) is not None
            ApiKey.objects.update(version=9)
            future = threads.submit(lock_and_read)
            assert wait_until(_is_lock_awaited)
        assert future.result() == 9


def _is_lock_awaited() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])

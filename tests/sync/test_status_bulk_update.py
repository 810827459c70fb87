"""What a check changed is written, and nothing else."""

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from freddy_admin.sync.checks.bulk_update import SyncStatusBulkUpdate
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, MakeKey, good_result, lease_key, sync_status_of


def statements(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries.captured_queries]


def test_columns_that_did_not_change_are_left_alone(key: ApiKey) -> None:
    bulk_update = SyncStatusBulkUpdate()
    with transaction.atomic():
        [row] = bulk_update.lock([key.pk])
        row.failures, row.failing_since = 3, NOON
        # Another process wrote a column that did not change here.
        SyncStatus.objects.filter(pk=key.pk).update(requested_by="Ana")
        bulk_update.save()
    row = sync_status_of(key)
    assert (row.failures, row.failing_since, row.requested_by) == (3, NOON, "Ana")


def test_each_row_gets_its_own_values(make_key: MakeKey) -> None:
    keys = [make_key(label) for label in ("one", "two", "three")]
    bulk_update = SyncStatusBulkUpdate()
    with transaction.atomic():
        for row in bulk_update.lock([key.pk for key in keys]):
            row.error_message = f"it's {row.pk} %s"
        bulk_update.save()
    assert [sync_status_of(key).error_message for key in keys] == [
        f"it's {key.pk} %s" for key in keys
    ]


def test_locked_rows_are_as_django_reads_them(make_key: MakeKey) -> None:
    keys = [make_key("one"), make_key("two")]
    lease_key(keys[0])
    check_results_record([good_result(keys[0])])
    with transaction.atomic():
        rows = SyncStatusBulkUpdate().lock([key.pk for key in keys])
    assert {row.pk: model_to_values(row) for row in rows} == {
        key.pk: model_to_values(sync_status_of(key)) for key in keys
    }


def model_to_values(row: SyncStatus) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_value_may_become_null_again(key: ApiKey) -> None:
    for value in (NOON, None):
        bulk_update = SyncStatusBulkUpdate()
        with transaction.atomic():
            [row] = bulk_update.lock([key.pk])
            row.hold_until = value
            bulk_update.save()
        assert sync_status_of(key).hold_until == value


def test_nothing_is_written_where_nothing_changed(key: ApiKey) -> None:
    bulk_update = SyncStatusBulkUpdate()
    with transaction.atomic():
        bulk_update.lock([key.pk])
        with CaptureQueriesContext(connection) as queries:
            bulk_update.save()
            SyncStatusBulkUpdate().save()
    assert statements(queries) == []


def test_a_batch_takes_as_many_statements_however_many_keys_are_in_it(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    keys, statement_counts = [make_key(f"key {index}") for index in range(6)], []
    for batch in (keys, keys, keys[:1]):
        hand_clock.advance(minutes=5)
        for key in batch:
            lease_key(key)
        with CaptureQueriesContext(connection) as queries:
            assert len(check_results_record([good_result(key) for key in batch])) == len(batch)
        statement_counts.append(len(queries))
    __, count_of_six, count_of_one = (
        statement_counts  # the first checks record more history than later ones
    )
    assert count_of_six == count_of_one


def test_the_sealed_bytes_are_not_read_to_store_a_check(key: ApiKey) -> None:
    lease_key(key)
    with CaptureQueriesContext(connection) as queries:
        check_results_record([good_result(key)])
    assert not [sql for sql in statements(queries) if "ciphertext" in sql]

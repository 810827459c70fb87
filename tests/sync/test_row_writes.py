"""What a check changed is written, and nothing else."""

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from freddy_admin.sync.models import KeySync
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.row_writes import Drafts
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, MakeKey, good, lease, row_of


def statements(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries.captured_queries]


def test_columns_that_did_not_change_are_left_alone(key: ApiKey) -> None:
    drafts = Drafts()
    with transaction.atomic():
        row = row_of(key)
        drafts.keep(row)
        row.failures, row.failing_since = 3, NOON
        # Somebody wrote a column that is not ours to write.
        KeySync.objects.filter(pk=key.pk).update(requested_by="Ana")
        drafts.write()
    row = row_of(key)
    assert (row.failures, row.failing_since, row.requested_by) == (3, NOON, "Ana")


def test_each_row_gets_its_own_values(make_key: MakeKey) -> None:
    keys = [make_key(label) for label in ("one", "two", "three")]
    drafts = Drafts()
    for place, key in enumerate(keys):
        row = row_of(key)
        drafts.keep(row)
        row.error_message = f"it's {place} %s"
    drafts.write()
    assert [row_of(key).error_message for key in keys] == [f"it's {n} %s" for n in range(3)]


def test_a_value_may_become_nothing_again(key: ApiKey) -> None:
    for value in (NOON, None):
        drafts, row = Drafts(), row_of(key)
        drafts.keep(row)
        row.hold_until = value
        drafts.write()
        assert row_of(key).hold_until == value


def test_nothing_is_written_where_nothing_changed(key: ApiKey) -> None:
    drafts = Drafts()
    drafts.keep(row_of(key))
    with CaptureQueriesContext(connection) as queries:
        drafts.write()
        Drafts().write()
    assert statements(queries) == []


def test_a_batch_takes_as_many_statements_however_many_keys_are_in_it(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    keys, numbers = [make_key(f"key {place}") for place in range(6)], []
    for batch in (keys, keys, keys[:1]):
        hand_clock.forward(minutes=5)
        for key in batch:
            lease(key)
        with CaptureQueriesContext(connection) as queries:
            assert len(checks_store([good(key) for key in batch])) == len(batch)
        numbers.append(len(queries))
    __, of_six, of_one = numbers  # the first of all tells what no later one does
    assert of_six == of_one


def test_the_sealed_bytes_are_not_read_to_store_a_check(key: ApiKey) -> None:
    lease(key)
    with CaptureQueriesContext(connection) as queries:
        checks_store([good(key)])
    assert not [sql for sql in statements(queries) if "ciphertext" in sql]

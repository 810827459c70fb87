"""The worker's question which keys are due, asked twice a second, reads an index and no table."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.leases import check_leases_acquire
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.module_rows import module_rows
from tests.sync.conftest import NOON, HandClock

KEY_COUNT = 3_000
DUE_INDEX = "sync_due"


@pytest.fixture(scope="module")
def _module_keys(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with module_rows(django_db_blocker, create_keys_not_due):
        yield


@pytest.fixture
def keys_not_due(_module_keys: None, db: None, hand_clock: HandClock) -> None:
    """Many keys, none of which is due at noon."""


def create_keys_not_due() -> None:
    organisation = Organisation.objects.create(name="Alder", slug="alder", created_at=NOON)
    keys = ApiKey.objects.bulk_create(
        ApiKey(organisation=organisation, label=str(number), created_at=NOON)
        for number in range(KEY_COUNT)
    )
    SyncStatus.objects.bulk_create(
        SyncStatus(
            key=key,
            organisation=organisation,
            state_since=NOON,
            next_check_at=NOON + timedelta(seconds=key.pk),
            checked_at=NOON,
            updated_at=NOON,
        )
        for key in keys
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def claim_statements() -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        check_leases_acquire(limit=128, now=NOON, policy=check_policy())
    return [query["sql"] for query in queries]


def query_plan(sql: str) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN (FORMAT JSON)"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}")
        return json.dumps(cursor.fetchall(), default=str)


def test_a_claim_that_finds_nothing_due_is_one_statement_that_reads_the_index_of_due_keys(
    keys_not_due: None,
) -> None:
    statements = claim_statements()
    assert len(statements) == 1
    plan = query_plan(statements[0])
    assert DUE_INDEX in plan
    assert "SCAN" not in plan
    assert "Seq Scan" not in plan


def test_a_claim_of_few_due_keys_reads_the_index_of_due_keys(keys_not_due: None) -> None:
    due_ids = list(SyncStatus.objects.order_by("pk").values_list("pk", flat=True)[:5])
    SyncStatus.objects.filter(pk__in=due_ids).update(next_check_at=NOON)
    selects = [sql for sql in claim_statements() if sql.startswith("SELECT")]
    plans = [query_plan(sql) for sql in selects]
    # Which keys are due is read once; they are locked, and their keys read, by their ids.
    assert len(plans) == 3
    assert DUE_INDEX in plans[0]
    assert not any("SCAN" in plan or "Seq Scan" in plan for plan in plans)

"""A result that waits while a person changes its key is thrown away: drill F39, to the end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from freddy_admin.audit.services import Actor
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.key_lifecycle import key_monitoring_start, key_pause
from freddy_admin.sync.models import CheckOutcome
from freddy_admin.vault.models import ApiKey
from tests.flows.wait import wait_until
from tests.sync.conftest import good_result, lease_key, sync_status_of

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time"),
    pytest.mark.django_db(transaction=True),
]
ANA = Actor(name="Ana")


def _pause(key: ApiKey) -> None:
    key_pause(organisation=key.organisation, actor=ANA, key=key)


def _replace(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(version=key.version + 1)
    key.refresh_from_db()
    key_monitoring_start(keys=[key], actor=ANA)


def _is_lock_awaited() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def _record(result: CheckResult) -> int:
    try:
        return len(check_results_record([result]))
    finally:
        connections.close_all()


@pytest.mark.parametrize("change", [_pause, _replace])
def test_a_result_that_waits_for_a_change_of_its_key_is_thrown_away(
    key: ApiKey, change: Callable[[ApiKey], None]
) -> None:
    lease_key(key)
    result = good_result(key)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            change(key)
            future = threads.submit(_record, result)
            assert wait_until(_is_lock_awaited)
        assert future.result() == 0
    row = sync_status_of(key)
    assert (row.outcome, row.observed_at, row.lease_token) == (CheckOutcome.NONE, None, "")
    assert row.recorded_state in {HealthState.PAUSED, HealthState.NOT_CHECKED}

"""An answer that waits while a person changes its key counts for nothing: drill F39, to the end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from freddy_admin.audit.services import Actor
from freddy_admin.sync.lifecycle import key_pause, keys_watch
from freddy_admin.sync.models import Outcome
from freddy_admin.sync.outcomes import Checked
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.flows.waiting import until
from tests.sync.conftest import good, lease, row_of

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time"),
    pytest.mark.django_db(transaction=True),
]
ANA = Actor(name="Ana")


def _paused(key: ApiKey) -> None:
    key_pause(organisation=key.organisation, actor=ANA, key=key)


def _replaced(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(version=key.version + 1)
    key.refresh_from_db()
    keys_watch(keys=[key], actor=ANA)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def _stored(ended: Checked) -> int:
    try:
        return len(checks_store([ended]))
    finally:
        connections.close_all()


@pytest.mark.parametrize("change", [_paused, _replaced])
def test_it_is_thrown_away(key: ApiKey, change: Callable[[ApiKey], None]) -> None:
    lease(key)
    ended = good(key)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            change(key)
            late = threads.submit(_stored, ended)
            assert until(_somebody_waits)
        assert late.result() == 0
    row = row_of(key)
    assert (row.outcome, row.observed_at, row.lease_token) == (Outcome.NONE, None, "")
    assert row.told_state in {State.PAUSED, State.NOT_CHECKED}

"""Concurrent rotations, and a rotation beside a request that seals with the former master key."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.crypto.keyring import Keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.master_key_state import (
    MasterKeyFit,
    master_key_state,
    master_key_state_reset,
    master_key_usage,
)
from freddy_admin.vault.models import ApiKey, MasterKeyCanary, MasterKeyRotation
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from freddy_admin.vault.services.reseal import ResealReport, api_keys_reseal
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)
from tests.flows.wait import wait_until
from tests.vault.keyrings import (
    DEFAULT_KEY,
    FIRST,
    override_keyring,
    removable_master_key_ids,
    rows_to_reseal,
)
from tests.vault.secret_reading import stored_secret

OLD_ID = Keyring([DEFAULT_KEY]).sealing_id
NEW_ID = Keyring([FIRST]).sealing_id
KEY_COUNT = 40

pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


@pytest.fixture(autouse=True)
def _master_key_state_reset() -> Iterator[None]:
    yield
    master_key_state_reset()


def _keys_store(label: str, count: int) -> None:
    organisation, _created = Organisation.objects.get_or_create(name="Alder", slug="alder")
    rows = [
        ImportRow(organisation=organisation, label=f"{label} {n}", secret=f"secret-of-{label}-{n}")
        for n in range(count)
    ]
    api_keys_import(actor=OPERATOR, rows=rows)


def _rotate() -> ResealReport:
    return api_keys_reseal(actor=OPERATOR, batch=3)


def _all_keys_open() -> bool:
    keys = ApiKey.objects.all()
    return all(stored_secret(key) == f"secret-of-{key.label.replace(' ', '-')}" for key in keys)


def _rows_and_canaries() -> tuple[dict[str, int], set[str]]:
    rows = {use.master_key_id: use.rows for use in master_key_usage()}
    return rows, set(MasterKeyCanary.objects.values_list("master_key_id", flat=True))


@pytest.mark.parametrize("_round", range(3))
def test_two_concurrent_rotations_finish_and_seal_each_row_once(_round: int) -> None:
    run_in_thread(lambda: _keys_store("key", KEY_COUNT))
    with override_keyring(FIRST, DEFAULT_KEY):
        first_report, second_report = run_concurrently([_rotate, _rotate])
    assert first_report.keys + second_report.keys == KEY_COUNT
    assert (rows_to_reseal(first_report), rows_to_reseal(second_report)) == (0, 0)
    assert OLD_ID in removable_master_key_ids(first_report)
    assert OLD_ID in removable_master_key_ids(second_report)
    with override_keyring(FIRST):
        assert run_in_thread(_all_keys_open)
        assert run_in_thread(_rows_and_canaries) == ({NEW_ID: KEY_COUNT}, {NEW_ID})
    rotations = run_in_thread(
        lambda: list(MasterKeyRotation.objects.values_list("done", "finished_at"))
    )
    assert sum(done for done, _finished_at in rotations) == KEY_COUNT
    assert all(
        finished_at is not None and finished_at <= clock.now() for _done, finished_at in rotations
    )


def test_a_key_sealed_with_the_former_master_key_during_a_rotation_is_not_lost() -> None:
    """A request begins its transaction before the rotation and commits after the pass over rows."""
    if IS_SQLITE:
        pytest.skip("SQLite lets one writer in at a time: a rotation waits for the form.")
    run_in_thread(lambda: _keys_store("key", KEY_COUNT))
    key_stored, rotation_done = threading.Event(), threading.Event()

    def key_store_slowly() -> None:
        try:
            with transaction.atomic():
                _keys_store("late", 1)
                key_stored.set()
                # Until the rotation is done, or waits for this transaction.
                assert wait_until(lambda: rotation_done.is_set() or _is_lock_awaited())
        finally:
            key_stored.set()
            connections.close_all()

    def rotate() -> ResealReport:
        try:
            return _rotate()
        finally:
            rotation_done.set()
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        form_result = threads.submit(key_store_slowly)
        assert key_stored.wait(120)
        with override_keyring(FIRST, DEFAULT_KEY):
            report = threads.submit(rotate).result(120)
        form_result.result(120)
    rows, canaries = run_in_thread(_rows_and_canaries)
    assert rows[OLD_ID] == 1
    assert rows_to_reseal(report) == 1, "the count said that the former key can go"
    assert OLD_ID in canaries
    # Removed all the same: the state is MISSING, and no key has to be pasted again.
    with override_keyring(FIRST):
        assert run_in_thread(lambda: master_key_state(fresh=True)).fit is MasterKeyFit.MISSING
    with override_keyring(FIRST, DEFAULT_KEY):
        assert OLD_ID in removable_master_key_ids(run_in_thread(_rotate))
    with override_keyring(FIRST):
        assert run_in_thread(_all_keys_open)


def _is_lock_awaited() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE NOT l.granted AND a.datname = current_database())"
        )
        return bool(cursor.fetchone()[0])

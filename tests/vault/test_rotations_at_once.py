"""A rotation beside a form that still seals with the former master key, and beside another one."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.crypto.keyring import Keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.master_keys import (
    MasterKeyFit,
    master_key_state,
    master_key_state_reset,
    master_key_usage,
)
from freddy_admin.vault.models import ApiKey, MasterKeyCanary, MasterKeyRotation
from freddy_admin.vault.resealed import ResealReport
from freddy_admin.vault.services import ImportRow, api_keys_import, api_keys_reseal
from tests.at_once import (
    ON_SQLITE,
    alone,
    at_once,
    shared,  # noqa: F401  the database of these tests
)
from tests.flows.waiting import until
from tests.vault.opened import opened
from tests.vault.rings import FIRST, PRESENT, ring_of

OLD_ID = Keyring([PRESENT]).sealing_id
NEW_ID = Keyring([FIRST]).sealing_id
MANY = 40

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    master_key_state_reset()


def _store(label: str, number: int) -> None:
    place, _made = Organisation.objects.get_or_create(name="Acme", slug="acme")
    rows = [
        ImportRow(organisation=place, label=f"{label} {n}", secret=f"secret-of-{label}-{n}")
        for n in range(number)
    ]
    api_keys_import(actor=OPERATOR, rows=rows)


def _rotate() -> ResealReport:
    return api_keys_reseal(actor=OPERATOR, batch=3)


def _all_open() -> bool:
    keys = ApiKey.objects.all()
    return all(opened(key) == f"secret-of-{key.label.replace(' ', '-')}" for key in keys)


def _rows_and_canaries() -> tuple[dict[str, int], set[str]]:
    rows = {use.master_key_id: use.rows for use in master_key_usage()}
    return rows, set(MasterKeyCanary.objects.values_list("master_key_id", flat=True))


@pytest.mark.parametrize("_round", range(3))
def test_of_two_rotations_at_once_each_ends_and_no_row_is_sealed_twice(_round: int) -> None:
    alone(lambda: _store("key", MANY))
    with ring_of(FIRST, PRESENT):
        one, other = at_once([_rotate, _rotate])
    assert one.keys + other.keys == MANY
    assert (one.left, other.left) == (0, 0)
    assert OLD_ID in one.removable
    assert OLD_ID in other.removable
    with ring_of(FIRST):
        assert alone(_all_open)
        assert alone(_rows_and_canaries) == ({NEW_ID: MANY}, {NEW_ID})
    runs = alone(lambda: list(MasterKeyRotation.objects.values_list("done", "ended_at")))
    assert sum(done for done, _at in runs) == MANY
    assert all(ended is not None and ended <= clock.now() for _done, ended in runs)


def test_a_key_that_a_form_stores_under_the_former_master_key_meanwhile_is_never_lost() -> None:
    """The form's transaction began before the rotation and ends after it has looked at each row."""
    if ON_SQLITE:
        pytest.skip("SQLite lets one writer in at a time: a rotation waits for the form.")
    alone(lambda: _store("key", MANY))
    stored, rotated = threading.Event(), threading.Event()

    def form() -> None:
        try:
            with transaction.atomic():
                _store("late", 1)
                stored.set()
                # Until the rotation is through, or waits for this very form.
                assert until(lambda: rotated.is_set() or _somebody_waits())
        finally:
            stored.set()
            connections.close_all()

    def rotation() -> ResealReport:
        try:
            return _rotate()
        finally:
            rotated.set()
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(form)
        assert stored.wait(120)
        with ring_of(FIRST, PRESENT):
            report = threads.submit(rotation).result(120)
        waiting.result(120)
    rows, canaries = alone(_rows_and_canaries)
    assert rows[OLD_ID] == 1
    assert report.left == 1, "the count said that the former key can go"
    assert OLD_ID in canaries
    with ring_of(FIRST):  # taken away all the same: that is told, and nobody has to paste a key
        assert alone(lambda: master_key_state(fresh=True)).fit is MasterKeyFit.MISSING
    with ring_of(FIRST, PRESENT):
        assert OLD_ID in alone(_rotate).removable
    with ring_of(FIRST):
        assert alone(_all_open)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE NOT l.granted AND a.datname = current_database())"
        )
        return bool(cursor.fetchone()[0])

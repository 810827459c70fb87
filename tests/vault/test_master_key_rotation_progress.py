"""Progress of a rotation: running, interrupted, finished."""

from datetime import timedelta

import pytest

from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.crypto.keyring import Keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.master_key_rotation_progress import rotation_get_latest, rotation_start
from freddy_admin.vault.models import MasterKeyRotation
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from freddy_admin.vault.services.reseal import api_keys_reseal
from tests.hand_clock import HandClock
from tests.vault.keyrings import DEFAULT_KEY, FIRST, override_keyring, rows_to_reseal

NEW_ID = Keyring([FIRST]).sealing_id


@pytest.fixture
def seven_keys(organisation: Organisation) -> None:
    rows = [
        ImportRow(organisation=organisation, label=f"Key {n}", secret=f"secret-number-{n}")
        for n in range(7)
    ]
    api_keys_import(actor=OPERATOR, rows=rows)


@pytest.mark.django_db
def test_without_a_rotation_there_is_no_latest_one() -> None:
    assert rotation_get_latest() is None


@pytest.mark.usefixtures("seven_keys")
def test_a_finished_rotation_is_neither_running_nor_interrupted(hand_clock: HandClock) -> None:
    with override_keyring(FIRST, DEFAULT_KEY):
        api_keys_reseal(actor=OPERATOR, batch=2)
    rotation = rotation_get_latest()
    assert rotation is not None
    assert (rotation.sealing_id, rotation.total, rotation.done, rotation.unreadable) == (
        NEW_ID,
        7,
        7,
        0,
    )
    assert (
        rotation.finished_at,
        rotation.is_running(clock.now()),
        rotation.is_interrupted(clock.now()),
    ) == (
        clock.now(),
        False,
        False,
    )


@pytest.mark.usefixtures("seven_keys")
def test_a_killed_rotation_is_interrupted_after_a_minute(
    hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, seal = iter(range(99)), Keyring.seal

    def seal_dying(self: Keyring, plaintext: bytes, *, context: bytes) -> bytes:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return seal(self, plaintext, context=context)

    monkeypatch.setattr(Keyring, "seal", seal_dying)
    with override_keyring(FIRST, DEFAULT_KEY), pytest.raises(KeyboardInterrupt):
        api_keys_reseal(actor=OPERATOR, batch=2)
    rotation = rotation_get_latest()
    assert rotation is not None
    assert (rotation.done, rotation.finished_at) == (
        4,
        None,
    )  # whole batches: the progress is committed with the rows
    assert rotation.is_running(clock.now())
    hand_clock.at += timedelta(seconds=60)
    assert rotation.is_interrupted(clock.now())


def test_unreadable_rows_are_counted_once(seven_keys: None) -> None:
    with override_keyring(FIRST):
        report = api_keys_reseal(actor=OPERATOR)
    rotation = rotation_get_latest()
    assert rotation is not None
    assert (rotation.total, rotation.done, rotation.unreadable, len(report.unreadable)) == (
        7,
        0,
        7,
        7,
    )
    assert rows_to_reseal(report) == 7


@pytest.mark.django_db
def test_old_rotations_are_pruned() -> None:
    for number in range(25):
        rotation_start(sealing_id=f"{number:016x}", total=0)
    assert MasterKeyRotation.objects.count() == 20
    latest = rotation_get_latest()
    assert latest is not None
    assert latest.sealing_id == f"{24:016x}"

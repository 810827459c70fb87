"""How far a rotation is, for whoever watches: at work, cut short, ended."""

from datetime import timedelta

import pytest

from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.crypto.keyring import Keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import MasterKeyRotation
from freddy_admin.vault.rotations import rotation_begin, rotation_latest
from freddy_admin.vault.services import ImportRow, api_keys_import, api_keys_reseal
from tests.vault.conftest import Hands
from tests.vault.rings import FIRST, PRESENT, ring_of

NEW_ID = Keyring([FIRST]).sealing_id


@pytest.fixture
def seven(organisation: Organisation) -> None:
    rows = [
        ImportRow(organisation=organisation, label=f"Key {n}", secret=f"secret-number-{n}")
        for n in range(7)
    ]
    api_keys_import(actor=OPERATOR, rows=rows)


@pytest.mark.django_db
def test_where_none_ever_ran_there_is_nothing_to_tell() -> None:
    assert rotation_latest() is None


@pytest.mark.usefixtures("seven")
def test_a_run_that_ended_says_so(hands: Hands) -> None:
    with ring_of(FIRST, PRESENT):
        api_keys_reseal(actor=OPERATOR, batch=2)
    run = rotation_latest()
    assert run is not None
    assert (run.sealing_id, run.total, run.done, run.unreadable) == (NEW_ID, 7, 7, 0)
    assert (run.ended_at, run.runs(clock.now()), run.was_cut_short(clock.now())) == (
        clock.now(),
        False,
        False,
    )


@pytest.mark.usefixtures("seven")
def test_a_killed_run_is_seen_to_stand_still_after_a_minute(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, seal = iter(range(99)), Keyring.seal

    def dying(self: Keyring, plaintext: bytes, *, context: bytes) -> bytes:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return seal(self, plaintext, context=context)

    monkeypatch.setattr(Keyring, "seal", dying)
    with ring_of(FIRST, PRESENT), pytest.raises(KeyboardInterrupt):
        api_keys_reseal(actor=OPERATOR, batch=2)
    run = rotation_latest()
    assert run is not None
    assert (run.done, run.ended_at) == (4, None)  # whole batches: what is told is what is stored
    assert run.runs(clock.now())
    hands.at += timedelta(seconds=60)
    assert run.was_cut_short(clock.now())


def test_rows_that_stay_shut_are_counted_once(seven: None) -> None:
    with ring_of(FIRST):
        report = api_keys_reseal(actor=OPERATOR)
    run = rotation_latest()
    assert run is not None
    assert (run.total, run.done, run.unreadable, len(report.unreadable)) == (7, 0, 7, 7)
    assert report.left == 7


@pytest.mark.django_db
def test_old_runs_are_let_go() -> None:
    for number in range(25):
        rotation_begin(sealing_id=f"{number:016x}", total=0)
    assert MasterKeyRotation.objects.count() == 20
    latest = rotation_latest()
    assert latest is not None
    assert latest.sealing_id == f"{24:016x}"

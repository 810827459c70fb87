"""A worker tries every canary when it begins, and writes down how it went."""

from datetime import timedelta

import pytest

from freddy_admin.core import clock
from freddy_admin.vault.canaries import canaries_try, trial_of
from freddy_admin.vault.master_keys import master_key_usage
from freddy_admin.vault.models import CanaryVerdict, MasterKeyCanary
from tests.vault.conftest import OTHER_SECRET, Hands, MakeKey
from tests.vault.rings import FIRST, PRESENT, public_of, ring_of


def test_before_anybody_tried_nothing_is_known(active: MakeKey) -> None:
    active()
    assert trial_of(MasterKeyCanary.objects.get()).verdict is None
    assert trial_of(None).verdict is None


def test_what_sings_is_noted_with_who_tried_and_when(active: MakeKey, hands: Hands) -> None:
    active()
    canaries_try(by="w1")
    (use,) = master_key_usage()
    assert (use.trial.verdict, use.trial.at, use.trial.by) == (
        CanaryVerdict.SINGS,
        clock.now(),
        "w1",
    )


@pytest.mark.parametrize(
    ("ciphertext", "ring", "verdict"),
    [(b"junk", PRESENT, CanaryVerdict.MUTE), (None, FIRST, CanaryVerdict.MISSING)],
)
def test_what_does_not_sing_is_told_apart_from_a_key_that_is_not_there(
    active: MakeKey, ciphertext: bytes | None, ring: str, verdict: CanaryVerdict
) -> None:
    active()
    if ciphertext:
        MasterKeyCanary.objects.update(ciphertext=ciphertext)
    with ring_of(ring):
        canaries_try(by="w1")
    assert MasterKeyCanary.objects.get().verdict == verdict


def test_each_start_tries_all_and_in_between_only_new_ones(active: MakeKey, hands: Hands) -> None:
    active()
    canaries_try(by="w1")
    with ring_of(FIRST, PRESENT):
        active(OTHER_SECRET)
        hands.at += timedelta(hours=1)
        canaries_try(by="w2", untried=True)
        assert {one.tried_by for one in MasterKeyCanary.objects.all()} == {"w1", "w2"}
        canaries_try(by="w3")
    assert {one.tried_by for one in MasterKeyCanary.objects.all()} == {"w3"}


def test_a_process_that_opens_nothing_says_nothing(active: MakeKey) -> None:
    active()
    with ring_of(public=public_of(PRESENT)):
        canaries_try(by="web")
    assert MasterKeyCanary.objects.get().tried_at is None

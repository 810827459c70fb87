"""A worker tests every canary at its start and stores the results."""

from datetime import timedelta

import pytest

from freddy_admin.core import clock
from freddy_admin.vault.master_key_state import canaries_test, canary_test_result, master_key_usage
from freddy_admin.vault.models import CanaryResult, MasterKeyCanary
from tests.hand_clock import HandClock
from tests.vault.conftest import OTHER_SECRET, MakeKey
from tests.vault.keyrings import DEFAULT_KEY, FIRST, override_keyring, public_key_text


def test_an_untested_canary_has_no_result(active_key: MakeKey) -> None:
    active_key()
    assert canary_test_result(MasterKeyCanary.objects.get()).result is None
    assert canary_test_result(None).result is None


def test_an_ok_canary_is_stored_with_process_and_time(
    active_key: MakeKey, hand_clock: HandClock
) -> None:
    active_key()
    canaries_test(tested_by="w1")
    (use,) = master_key_usage()
    assert (use.canary_test.result, use.canary_test.tested_at, use.canary_test.tested_by) == (
        CanaryResult.OK,
        clock.now(),
        "w1",
    )


@pytest.mark.parametrize(
    ("ciphertext", "ring", "result"),
    [(b"junk", DEFAULT_KEY, CanaryResult.FAILED), (None, FIRST, CanaryResult.MISSING)],
)
def test_a_failed_canary_and_a_missing_master_key_differ(
    active_key: MakeKey, ciphertext: bytes | None, ring: str, result: CanaryResult
) -> None:
    active_key()
    if ciphertext:
        MasterKeyCanary.objects.update(ciphertext=ciphertext)
    with override_keyring(ring):
        canaries_test(tested_by="w1")
    assert MasterKeyCanary.objects.get().result == result


def test_the_untested_only_option_tests_new_canaries_alone(
    active_key: MakeKey, hand_clock: HandClock
) -> None:
    active_key()
    canaries_test(tested_by="w1")
    with override_keyring(FIRST, DEFAULT_KEY):
        active_key(OTHER_SECRET)
        hand_clock.at += timedelta(hours=1)
        canaries_test(tested_by="w2", untested_only=True)
        assert {canary.tested_by for canary in MasterKeyCanary.objects.all()} == {"w1", "w2"}
        canaries_test(tested_by="w3")
    assert {canary.tested_by for canary in MasterKeyCanary.objects.all()} == {"w3"}


def test_a_process_that_opens_nothing_says_nothing(active_key: MakeKey) -> None:
    active_key()
    with override_keyring(public=public_key_text(DEFAULT_KEY)):
        canaries_test(tested_by="web")
    assert MasterKeyCanary.objects.get().tested_at is None

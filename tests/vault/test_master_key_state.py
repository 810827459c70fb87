"""The state of the platform's master keys: whether this process's ring fits the database."""

from datetime import timedelta

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.master_key_state import (
    MasterKeyFit,
    canaries_test,
    master_key_state,
    master_key_state_reset,
    master_key_usage,
)
from freddy_admin.vault.models import ApiKey, MasterKeyCanary
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from tests.hand_clock import HandClock
from tests.vault.conftest import OTHER_SECRET, MakeKey
from tests.vault.keyrings import DEFAULT_KEY, FIRST, SECOND, override_keyring, public_key_text


@pytest.mark.django_db
def test_an_empty_database_fits_every_ring() -> None:
    assert master_key_state().fit is MasterKeyFit.EMPTY


def test_the_ring_that_sealed_fits(active_key: MakeKey) -> None:
    active_key()
    state = master_key_state()
    assert (state.fit, state.is_fault, state.master_key_ids) == (MasterKeyFit.OK, False, ())


def test_a_missing_master_key_is_named(active_key: MakeKey) -> None:
    key = active_key()
    with override_keyring(FIRST):
        state = master_key_state()
    assert (state.fit, state.is_fault) == (MasterKeyFit.MISSING, True)
    assert state.master_key_ids == (key.master_key_id,)
    assert f"does not fit this database (fingerprint {key.master_key_id}" in state.sentence


def test_a_missing_master_key_of_a_candidate_alone_counts(draft_key: MakeKey) -> None:
    draft_key()
    with override_keyring(FIRST):
        assert master_key_state().fit is MasterKeyFit.MISSING


def test_one_row_with_a_damaged_id_is_no_missing_master_key(active_key: MakeKey) -> None:
    active_key()
    ApiKey.objects.update(master_key_id="0123456789abcdef")
    assert master_key_state().fit is MasterKeyFit.OK


def test_a_canary_that_does_not_open_is_a_fault(active_key: MakeKey) -> None:
    active_key()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    state = master_key_state()
    assert (state.fit, state.is_fault) == (MasterKeyFit.CANARY_FAILED, True)
    assert state.master_key_ids == (keyring().sealing_id,)


def test_a_canary_with_another_text_is_a_fault(active_key: MakeKey) -> None:
    active_key()
    canary = MasterKeyCanary.objects.get()
    from freddy_admin.vault.sealing import canary_context

    context = canary_context(canary.master_key_id)
    canary.ciphertext = keyring().seal(b"another song", context=context)
    canary.save()
    assert master_key_state().fit is MasterKeyFit.CANARY_FAILED


def test_a_process_that_only_seals_is_no_fault(active_key: MakeKey) -> None:
    active_key()
    with override_keyring(public=public_key_text(DEFAULT_KEY)):
        state = master_key_state()
    assert (state.fit, state.is_fault) == (MasterKeyFit.NO_PRIVATE_KEY, False)


@pytest.mark.parametrize("fit", list(MasterKeyFit))
def test_every_fit_has_its_sentence(fit: MasterKeyFit) -> None:
    from freddy_admin.vault.master_key_state import MasterKeyState

    assert MasterKeyState(fit, ("0123456789abcdef",)).sentence.endswith(".")


def test_the_state_is_cached_for_half_a_minute(
    active_key: MakeKey, hand_clock: HandClock, django_assert_num_queries: object
) -> None:
    active_key()
    with django_assert_num_queries(5):  # type: ignore[operator]
        master_key_state()
        master_key_state()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    hand_clock.at += timedelta(seconds=29)
    assert master_key_state().fit is MasterKeyFit.OK
    hand_clock.at += timedelta(seconds=1)
    assert master_key_state().fit is MasterKeyFit.CANARY_FAILED


def test_a_clock_that_was_set_back_expires_the_cached_state(
    active_key: MakeKey, hand_clock: HandClock
) -> None:
    active_key()
    master_key_state()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    hand_clock.at -= timedelta(days=1)
    assert master_key_state().fit is MasterKeyFit.CANARY_FAILED


def test_another_ring_and_the_fresh_option_bypass_the_cache(active_key: MakeKey) -> None:
    active_key()
    assert master_key_state().fit is MasterKeyFit.OK
    with override_keyring(FIRST):
        assert master_key_state().fit is MasterKeyFit.MISSING
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    assert master_key_state(fresh=True).fit is MasterKeyFit.CANARY_FAILED


def test_a_reset_drops_the_cached_state(active_key: MakeKey) -> None:
    active_key()
    master_key_state()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    master_key_state_reset()
    assert master_key_state().fit is MasterKeyFit.CANARY_FAILED


def test_a_process_that_only_seals_reports_the_workers_canary_results(active_key: MakeKey) -> None:
    key = active_key()
    with override_keyring(FIRST):
        canaries_test(tested_by="w1")
    with override_keyring(public=public_key_text(DEFAULT_KEY)):
        state = master_key_state()
    assert (state.fit, state.master_key_ids) == (MasterKeyFit.MISSING, (key.master_key_id,))
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    canaries_test(tested_by="w1")
    with override_keyring(public=public_key_text(DEFAULT_KEY)):
        assert master_key_state(fresh=True).fit is MasterKeyFit.CANARY_FAILED


def test_a_private_key_fits_what_its_public_key_sealed(active_key: MakeKey) -> None:
    with override_keyring(public=public_key_text(FIRST)):
        active_key()
    with override_keyring(FIRST):
        assert master_key_state().fit is MasterKeyFit.OK


def test_usage_counts_rows_per_master_key(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    with override_keyring(FIRST, DEFAULT_KEY):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
        new_usage, old_usage = master_key_usage()
    assert (new_usage.keys, new_usage.candidates, new_usage.rows, new_usage.canary) == (
        0,
        1,
        1,
        True,
    )
    assert (new_usage.is_sealing_key, new_usage.is_in_keyring) == (True, True)
    assert (old_usage.keys, old_usage.candidates, old_usage.rows, old_usage.canary) == (
        1,
        0,
        1,
        True,
    )
    assert (old_usage.is_sealing_key, old_usage.is_in_keyring) == (False, True)


def test_a_ring_that_opens_nothing_of_what_is_stored_seals_nothing_more(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    active_key()
    details = KeyDetails(label="Another")
    with override_keyring(FIRST), pytest.raises(Conflict, match="ENCRYPTION_KEYS"):
        api_key_create(organisation=organisation, actor=actor, details=details, secret=OTHER_SECRET)
    assert ApiKey.objects.count() == 1


def test_candidates_alone_count_as_stored_keys(
    draft_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = draft_key()
    with override_keyring(FIRST), pytest.raises(Conflict, match=key.candidate.master_key_id):
        draft_key(OTHER_SECRET)
    assert MasterKeyCanary.objects.count() == 1


def test_a_former_master_key_that_seals_nothing_any_more_is_not_needed(active_key: MakeKey) -> None:
    active_key()
    ApiKey.objects.update(ciphertext=None)  # as revoked
    with override_keyring(FIRST):
        active_key(OTHER_SECRET)
        assert master_key_state().fit is MasterKeyFit.OK


def test_a_stray_former_master_key_does_not_vouch_for_a_ring(active_key: MakeKey) -> None:
    active_key()
    MasterKeyCanary.objects.create(
        master_key_id=Keyring([SECOND]).sealing_id, ciphertext=b"", created_at=clock.now()
    )
    with override_keyring(FIRST, SECOND), pytest.raises(Conflict, match="fingerprint"):
        active_key(OTHER_SECRET)


def test_a_ring_that_holds_the_former_master_key_begins_with_a_new_one(active_key: MakeKey) -> None:
    active_key()
    with override_keyring(FIRST, DEFAULT_KEY):
        active_key(OTHER_SECRET)
        assert master_key_state().fit is MasterKeyFit.OK


def test_a_process_that_only_seals_may_begin_with_a_new_master_key(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    active_key()
    details = KeyDetails(label="Another")
    with override_keyring(public=public_key_text(FIRST)):
        api_key_create(organisation=organisation, actor=actor, details=details, secret=OTHER_SECRET)
    assert MasterKeyCanary.objects.count() == 2

"""One answer for the platform: does the ring of this process fit the database?"""

from datetime import timedelta

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.canaries import canaries_try
from freddy_admin.vault.master_keys import (
    MasterKeyFit,
    master_key_state,
    master_key_state_reset,
    master_key_usage,
)
from freddy_admin.vault.models import ApiKey, MasterKeyCanary
from freddy_admin.vault.services import KeyDetails, api_key_draft, api_key_replace
from tests.vault.conftest import OTHER_SECRET, Hands, MakeKey
from tests.vault.rings import FIRST, PRESENT, SECOND, public_of, ring_of


@pytest.mark.django_db
def test_an_empty_database_fits_every_ring() -> None:
    assert master_key_state().fit is MasterKeyFit.EMPTY


def test_the_ring_that_sealed_fits(active: MakeKey) -> None:
    active()
    state = master_key_state()
    assert (state.fit, state.is_fault, state.master_key_ids) == (MasterKeyFit.OK, False, ())


def test_a_missing_master_key_is_named(active: MakeKey) -> None:
    key = active()
    with ring_of(FIRST):
        state = master_key_state()
    assert (state.fit, state.is_fault) == (MasterKeyFit.MISSING, True)
    assert state.master_key_ids == (key.master_key_id,)
    assert f"does not fit this database (fingerprint {key.master_key_id}" in state.sentence


def test_a_missing_master_key_of_a_candidate_alone_counts(draft: MakeKey) -> None:
    draft()
    with ring_of(FIRST):
        assert master_key_state().fit is MasterKeyFit.MISSING


def test_one_row_with_a_damaged_id_is_no_missing_master_key(active: MakeKey) -> None:
    active()
    ApiKey.objects.update(master_key_id="0123456789abcdef")
    assert master_key_state().fit is MasterKeyFit.OK


def test_a_canary_that_does_not_open_is_a_fault(active: MakeKey) -> None:
    active()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    state = master_key_state()
    assert (state.fit, state.is_fault) == (MasterKeyFit.CANARY_FAILED, True)
    assert state.master_key_ids == (keyring().sealing_id,)


def test_a_canary_that_sings_another_song_is_a_fault(active: MakeKey) -> None:
    active()
    canary = MasterKeyCanary.objects.get()
    from freddy_admin.vault.sealing import canary_context

    context = canary_context(canary.master_key_id)
    canary.ciphertext = keyring().seal(b"another song", context=context)
    canary.save()
    assert master_key_state().fit is MasterKeyFit.CANARY_FAILED


def test_a_process_that_only_seals_is_no_fault(active: MakeKey) -> None:
    active()
    with ring_of(public=public_of(PRESENT)):
        state = master_key_state()
    assert (state.fit, state.is_fault) == (MasterKeyFit.NO_PRIVATE_KEY, False)


@pytest.mark.parametrize("fit", list(MasterKeyFit))
def test_every_answer_has_its_sentence(fit: MasterKeyFit) -> None:
    from freddy_admin.vault.master_keys import MasterKeyState

    assert MasterKeyState(fit, ("0123456789abcdef",)).sentence.endswith(".")


def test_it_is_asked_again_after_half_a_minute_and_not_before(
    active: MakeKey, hands: Hands, django_assert_num_queries: object
) -> None:
    active()
    with django_assert_num_queries(4):  # type: ignore[operator]
        master_key_state()
        master_key_state()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    hands.at += timedelta(seconds=29)
    assert master_key_state().fit is MasterKeyFit.OK
    hands.at += timedelta(seconds=1)
    assert master_key_state().fit is MasterKeyFit.CANARY_FAILED


def test_a_clock_that_was_set_back_does_not_keep_an_old_answer(
    active: MakeKey, hands: Hands
) -> None:
    active()
    master_key_state()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    hands.at -= timedelta(days=1)
    assert master_key_state().fit is MasterKeyFit.CANARY_FAILED


def test_another_ring_and_an_impatient_caller_get_a_fresh_answer(active: MakeKey) -> None:
    active()
    assert master_key_state().fit is MasterKeyFit.OK
    with ring_of(FIRST):
        assert master_key_state().fit is MasterKeyFit.MISSING
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    assert master_key_state(fresh=True).fit is MasterKeyFit.CANARY_FAILED


def test_after_a_reset_nothing_is_remembered(active: MakeKey) -> None:
    active()
    master_key_state()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    master_key_state_reset()
    assert master_key_state().fit is MasterKeyFit.CANARY_FAILED


def test_what_the_worker_found_is_told_by_a_process_that_only_seals(active: MakeKey) -> None:
    key = active()
    with ring_of(FIRST):
        canaries_try(by="w1")
    with ring_of(public=public_of(PRESENT)):
        state = master_key_state()
    assert (state.fit, state.master_key_ids) == (MasterKeyFit.MISSING, (key.master_key_id,))
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    canaries_try(by="w1")
    with ring_of(public=public_of(PRESENT)):
        assert master_key_state(fresh=True).fit is MasterKeyFit.CANARY_FAILED


def test_the_web_and_the_worker_halves_work_together(active: MakeKey) -> None:
    with ring_of(public=public_of(FIRST)):
        active()
    with ring_of(FIRST):
        assert master_key_state().fit is MasterKeyFit.OK


def test_usage_counts_rows_per_master_key(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    with ring_of(FIRST, PRESENT):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
        new, old = master_key_usage()
    assert (new.keys, new.candidates, new.rows, new.canary) == (0, 1, 1, True)
    assert (new.seals, new.in_ring) == (True, True)
    assert (old.keys, old.candidates, old.rows, old.canary) == (1, 0, 1, True)
    assert (old.seals, old.in_ring) == (False, True)


def test_a_ring_that_opens_nothing_of_what_is_stored_seals_nothing_more(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    active()
    details = KeyDetails(label="Another")
    with ring_of(FIRST), pytest.raises(Conflict, match="ENCRYPTION_KEYS"):
        api_key_draft(organisation=organisation, actor=actor, details=details, secret=OTHER_SECRET)
    assert ApiKey.objects.count() == 1


def test_candidates_alone_are_stored_keys_too(
    draft: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = draft()
    with ring_of(FIRST), pytest.raises(Conflict, match=key.candidate.master_key_id):
        draft(OTHER_SECRET)
    assert MasterKeyCanary.objects.count() == 1


def test_a_former_master_key_that_seals_nothing_any_more_is_not_needed(active: MakeKey) -> None:
    active()
    ApiKey.objects.update(ciphertext=None)  # as revoked
    with ring_of(FIRST):
        active(OTHER_SECRET)
        assert master_key_state().fit is MasterKeyFit.OK


def test_a_stray_former_master_key_does_not_vouch_for_a_ring(active: MakeKey) -> None:
    active()
    MasterKeyCanary.objects.create(
        master_key_id=Keyring([SECOND]).sealing_id, ciphertext=b"", created_at=clock.now()
    )
    with ring_of(FIRST, SECOND), pytest.raises(Conflict, match="fingerprint"):
        active(OTHER_SECRET)


def test_a_ring_that_holds_the_former_master_key_begins_with_a_new_one(active: MakeKey) -> None:
    active()
    with ring_of(FIRST, PRESENT):
        active(OTHER_SECRET)
        assert master_key_state().fit is MasterKeyFit.OK


def test_a_process_that_only_seals_may_begin_with_a_new_master_key(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    active()
    details = KeyDetails(label="Another")
    with ring_of(public=public_of(FIRST)):
        api_key_draft(organisation=organisation, actor=actor, details=details, secret=OTHER_SECRET)
    assert MasterKeyCanary.objects.count() == 2

"""Drill S12: whoever can write the table, but has no master key, moves no secret anywhere."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit
from freddy_admin.vault.sealing import SEALED_FIELDS, Row, canary_context
from freddy_admin.vault.services import api_key_replace, candidate_promote
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.opened import opened

NUMBERS = st.integers(0, 2**64 - 1)


def _refused(key: ApiKey) -> bool:
    try:
        opened(key)
    except (KeyUnreadable, MasterKeyMisfit):
        return True
    return False


def _copied(source: ApiKey, target: ApiKey) -> ApiKey:
    for name in SEALED_FIELDS:
        setattr(target, name, getattr(source, name))
    return target


def test_every_flipped_bit_of_a_stored_row_is_refused(active: MakeKey) -> None:
    key = active()
    sealed = bytes(key.ciphertext)
    for place, bit in itertools.product(range(len(sealed)), range(8)):
        damaged = bytearray(sealed)
        damaged[place] ^= 1 << bit
        key.ciphertext = bytes(damaged)
        assert _refused(key), (place, bit)


def test_every_truncation_of_a_stored_row_is_refused(active: MakeKey) -> None:
    key = active()
    sealed = bytes(key.ciphertext)
    for length in range(len(sealed)):
        key.ciphertext = sealed[:length]
        assert _refused(key), length


def test_sealed_bytes_do_not_open_in_another_organisation(
    active: MakeKey, stranger: Organisation
) -> None:
    mine, theirs = active(), active(OTHER_SECRET, where=stranger)
    assert _refused(_copied(theirs, mine))


def test_moving_the_row_itself_to_another_organisation_does_not_help(
    active: MakeKey, stranger: Organisation
) -> None:
    key = active()
    key.organisation = stranger
    assert _refused(key)


def test_sealed_bytes_do_not_open_in_another_row_of_the_same_organisation(
    active: MakeKey,
) -> None:
    one, other = active(), active(OTHER_SECRET, label="Second")
    assert _refused(_copied(other, one))


def test_a_former_version_does_not_open_as_the_present_one(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    former = active()
    api_key_replace(organisation=organisation, actor=actor, key=former, secret=OTHER_SECRET)
    present = candidate_promote(organisation=organisation, actor=actor, key=former, version=2)
    assert opened(present) == OTHER_SECRET
    assert _refused(_copied(former, present))


def test_another_field_cannot_pass_for_the_sealed_bytes(active: MakeKey) -> None:
    key = active()
    for text in (key.fingerprint, key.master_key_id, key.hint_start, SECRET):
        key.ciphertext = text.encode()
        assert _refused(key)


@given(one=st.tuples(NUMBERS, NUMBERS, NUMBERS), other=st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_no_two_rows_share_a_context(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    assert (Row(*one).context == Row(*other).context) is (one == other)


@pytest.mark.parametrize("numbers", [(1, 11, 1), (11, 1, 1), (1, 1, 11)])
def test_digits_cannot_run_into_one_another(numbers: tuple[int, int, int]) -> None:
    assert Row(*numbers).context != Row(1, 1, 1).context


def test_a_canary_cannot_pass_for_a_key() -> None:
    assert canary_context("0123456789abcdef") != Row(1, 2, 3).context
    assert not Row(1, 2, 3).context.startswith(canary_context("00" * 8)[:-8])

"""Drill S12: without a master key, nobody who can write the table can move a secret."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.audit.services import Actor
from freddy_admin.conf.api_environments import ENVIRONMENT_PATTERN
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit
from freddy_admin.vault.sealing import SEALED_SECRET_FIELDS, api_key_context, canary_context
from freddy_admin.vault.services.candidates import candidate_promote
from freddy_admin.vault.services.keys import api_key_replace
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.secret_reading import stored_secret

NUMBERS = st.integers(0, 2**64 - 1)


def _is_unreadable(key: ApiKey) -> bool:
    try:
        stored_secret(key)
    except (KeyUnreadable, MasterKeyMisfit):
        return True
    return False


def _sealed_secret_copy(source: ApiKey, target: ApiKey) -> ApiKey:
    for name in SEALED_SECRET_FIELDS:
        setattr(target, name, getattr(source, name))
    return target


def test_every_flipped_bit_of_a_stored_row_is_refused(active_key: MakeKey) -> None:
    key = active_key()
    ciphertext = bytes(key.ciphertext)
    for index, bit in itertools.product(range(len(ciphertext)), range(8)):
        damaged = bytearray(ciphertext)
        damaged[index] ^= 1 << bit
        key.ciphertext = bytes(damaged)
        assert _is_unreadable(key), (index, bit)


def test_every_truncation_of_a_stored_row_is_refused(active_key: MakeKey) -> None:
    key = active_key()
    ciphertext = bytes(key.ciphertext)
    for length in range(len(ciphertext)):
        key.ciphertext = ciphertext[:length]
        assert _is_unreadable(key), length


def test_sealed_bytes_do_not_open_in_another_organisation(
    active_key: MakeKey, other_organisation: Organisation
) -> None:
    own_key = active_key()
    foreign_key = active_key(OTHER_SECRET, key_organisation=other_organisation)
    assert _is_unreadable(_sealed_secret_copy(foreign_key, own_key))


def test_a_row_moved_to_another_organisation_does_not_open(
    active_key: MakeKey, other_organisation: Organisation
) -> None:
    key = active_key()
    key.organisation = other_organisation
    assert _is_unreadable(key)


def test_sealed_bytes_do_not_open_in_another_row_of_the_same_organisation(
    active_key: MakeKey,
) -> None:
    first_key, second_key = active_key(), active_key(OTHER_SECRET, label="Second")
    assert _is_unreadable(_sealed_secret_copy(second_key, first_key))


def test_a_former_version_does_not_open_as_the_present_one(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    former_key = active_key()
    api_key_replace(organisation=organisation, actor=actor, key=former_key, secret=OTHER_SECRET)
    present_key = candidate_promote(
        organisation=organisation, actor=actor, key=former_key, version=2
    )
    assert stored_secret(present_key) == OTHER_SECRET
    assert _is_unreadable(_sealed_secret_copy(former_key, present_key))


def test_another_field_cannot_pass_for_the_sealed_bytes(active_key: MakeKey) -> None:
    key = active_key()
    for text in (key.fingerprint, key.master_key_id, key.hint_start, SECRET):
        key.ciphertext = text.encode()
        assert _is_unreadable(key)


ENVIRONMENTS = st.from_regex(ENVIRONMENT_PATTERN, fullmatch=True)
BOUND_TO = st.tuples(NUMBERS, NUMBERS, NUMBERS, ENVIRONMENTS)


@given(first=BOUND_TO, second=BOUND_TO)
def test_no_two_rows_share_a_context(
    first: tuple[int, int, int, str], second: tuple[int, int, int, str]
) -> None:
    assert (api_key_context(*first) == api_key_context(*second)) is (first == second)


def test_keys_that_were_sealed_before_there_were_environments_belong_to_the_default_one() -> None:
    former_context = b"freddy-admin/vault/api-key\x00" + bytes(7) + b"\1" + bytes(7) + b"\2"
    assert api_key_context(1, 2, 3, "default") == former_context + bytes(7) + b"\3"


def test_secret_of_one_environment_does_not_open_for_another(active_key: MakeKey) -> None:
    key = active_key()
    for environment in ("staging", "default2"):
        key.environment = environment
        assert _is_unreadable(key)
    key.environment = "default"
    assert not _is_unreadable(key)


@pytest.mark.parametrize("numbers", [(1, 11, 1), (11, 1, 1), (1, 1, 11)])
def test_numbers_in_a_context_have_fixed_width(numbers: tuple[int, int, int]) -> None:
    assert api_key_context(*numbers) != api_key_context(1, 1, 1)


def test_a_canary_cannot_pass_for_a_key() -> None:
    assert canary_context("0123456789abcdef") != api_key_context(1, 2, 3)
    assert not api_key_context(1, 2, 3).startswith(canary_context("00" * 8)[:-8])

"""A key opens for a call, or it is said why: one damaged row, or a master key that does not fit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from freddy_admin.crypto.keyring import keyring
from freddy_admin.vault.master_keys import master_key_state
from freddy_admin.vault.models import ApiKey, MasterKeyCanary
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit, secret_open
from freddy_admin.vault.sealing import Row
from tests.vault.conftest import SECRET, MakeKey
from tests.vault.opened import opened
from tests.vault.rings import FIRST, PRESENT, public_of, ring_of


def _flip(key: ApiKey, place: int) -> None:
    damaged = bytearray(key.ciphertext)
    damaged[place] ^= 1
    key.ciphertext = bytes(damaged)


def _set(name: str, value: object) -> Callable[[ApiKey], None]:
    return lambda key: setattr(key, name, value)


def test_it_needs_no_query_and_works_in_threads(
    active: MakeKey, django_assert_num_queries: object
) -> None:
    key = active()
    with django_assert_num_queries(0), ThreadPoolExecutor(4) as threads:  # type: ignore[operator]
        assert set(threads.map(opened, [key] * 20)) == {SECRET}


def test_bytes_as_postgresql_gives_them_are_accepted(active: MakeKey) -> None:
    key = active()
    key.ciphertext = memoryview(key.ciphertext)
    assert opened(key) == SECRET


@pytest.mark.parametrize(
    "damage",
    [
        lambda key: _flip(key, 0),  # the format version
        lambda key: _flip(key, 1),  # the master key id in the header
        lambda key: _flip(key, 9),  # the encapsulated key
        lambda key: _flip(key, -1),  # the tag
        _set("ciphertext", b""),
        _set("ciphertext", None),
        _set("ciphertext", b"\x01"),
        _set("master_key_id", "0123456789abcdef"),
        _set("master_key_id", ""),
        _set("version", 2),
    ],
)
def test_one_damaged_row_is_that_rows_fault(
    active: MakeKey, damage: Callable[[ApiKey], None]
) -> None:
    key = active()
    master_key_state()
    damage(key)
    with pytest.raises(KeyUnreadable) as unreadable:
        opened(key)
    assert unreadable.value.key_id == key.pk


def test_sealed_bytes_that_are_no_key_at_all_are_that_rows_fault(active: MakeKey) -> None:
    key = active()
    row = Row(organisation_id=key.organisation_id, key_id=key.pk, version=key.version)
    key.ciphertext = keyring().seal(b"planted\xff", context=row.context)
    with pytest.raises(KeyUnreadable) as unreadable:
        opened(key)
    # A decoding error holds what it could not decode.
    assert unreadable.value.__context__ is None


def test_a_master_key_that_is_not_in_the_ring_is_no_rows_fault(active: MakeKey) -> None:
    key = active()
    with ring_of(FIRST), pytest.raises(MasterKeyMisfit) as misfit:
        opened(key)
    assert misfit.value.master_key_id == key.master_key_id


def test_a_process_that_only_seals_opens_nothing_and_blames_no_row(active: MakeKey) -> None:
    key = active()
    with ring_of(public=public_of(PRESENT)), pytest.raises(MasterKeyMisfit):
        opened(key)


def test_if_the_canary_fails_too_the_master_key_is_to_blame(active: MakeKey) -> None:
    key = active()
    _flip(key, -1)
    canary = MasterKeyCanary.objects.get()
    canary.ciphertext = canary.ciphertext[:-1]
    canary.save()
    master_key_state(fresh=True)
    with pytest.raises(MasterKeyMisfit):
        opened(key)


def test_a_damaged_canary_alone_keeps_no_sound_key_shut(active: MakeKey) -> None:
    key = active()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    master_key_state(fresh=True)
    assert opened(key) == SECRET


def test_every_part_of_the_place_is_needed() -> None:
    with pytest.raises(TypeError):
        secret_open(key_id=1, version=1, ciphertext=b"", master_key_id="")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "damage",
    [
        _set("ciphertext", b""),
        _set("ciphertext", b"\x01" + b"junk" * 30),
        _set("master_key_id", "0123456789abcdef"),  # the header still names the missing one
        _set("master_key_id", ""),
        lambda key: _flip(key, 1),
        lambda key: _flip(key, -1),
    ],
)
def test_nobody_is_told_to_paste_a_key_whose_master_key_is_missing(
    active: MakeKey, damage: Callable[[ApiKey], None]
) -> None:
    key = active()
    damage(key)
    master_key_state(fresh=True)
    with ring_of(FIRST), pytest.raises(MasterKeyMisfit):
        opened(key)
    with pytest.raises(KeyUnreadable):
        opened(key)


@pytest.mark.parametrize("damage", [lambda key: _flip(key, 1), _set("ciphertext", b"")])
def test_nor_while_the_canary_of_the_rows_own_master_key_fails(
    active: MakeKey, damage: Callable[[ApiKey], None]
) -> None:
    key = active()
    damage(key)
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    master_key_state(fresh=True)
    with pytest.raises(MasterKeyMisfit):
        opened(key)


def test_what_a_new_master_key_sealed_a_moment_ago_is_no_damaged_row(active: MakeKey) -> None:
    master_key_state(fresh=True)  # the worker looked, and then the web process sealed
    with ring_of(public=public_of(FIRST)):
        key = active()
    with pytest.raises(MasterKeyMisfit):
        secret_open(
            key_id=key.pk,
            organisation_id=key.organisation_id,
            version=key.version,
            ciphertext=key.ciphertext,
            master_key_id=key.master_key_id,
        )

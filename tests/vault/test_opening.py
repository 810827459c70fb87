"""Opening a secret: it opens, is one unreadable row, or its master key does not fit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from freddy_admin.crypto.keyring import keyring
from freddy_admin.vault.master_key_state import master_key_state
from freddy_admin.vault.models import ApiKey, MasterKeyCanary
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit, secret_open
from freddy_admin.vault.sealing import api_key_context
from tests.vault.conftest import SECRET, MakeKey
from tests.vault.keyrings import DEFAULT_KEY, FIRST, override_keyring, public_key_text
from tests.vault.secret_reading import stored_secret


def _flip(key: ApiKey, index: int) -> None:
    damaged = bytearray(key.ciphertext)
    damaged[index] ^= 1
    key.ciphertext = bytes(damaged)


def _set(name: str, value: object) -> Callable[[ApiKey], None]:
    return lambda key: setattr(key, name, value)


def test_opening_a_secret_needs_no_query_and_works_in_threads(
    active_key: MakeKey, django_assert_num_queries: object
) -> None:
    key = active_key()
    with django_assert_num_queries(0), ThreadPoolExecutor(4) as threads:  # type: ignore[operator]
        assert set(threads.map(stored_secret, [key] * 20)) == {SECRET}


def test_a_memoryview_as_postgresql_returns_it_is_accepted(active_key: MakeKey) -> None:
    key = active_key()
    key.ciphertext = memoryview(key.ciphertext)
    assert stored_secret(key) == SECRET


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
def test_a_damaged_row_is_unreadable(active_key: MakeKey, damage: Callable[[ApiKey], None]) -> None:
    key = active_key()
    master_key_state()
    damage(key)
    with pytest.raises(KeyUnreadable) as error:
        stored_secret(key)
    assert error.value.key_id == key.pk


def test_sealed_bytes_that_are_no_key_are_unreadable(active_key: MakeKey) -> None:
    key = active_key()
    context = api_key_context(key.organisation_id, key.pk, key.version)
    key.ciphertext = keyring().seal(b"planted\xff", context=context)
    with pytest.raises(KeyUnreadable) as error:
        stored_secret(key)
    # A decoding error holds what it could not decode.
    assert error.value.__context__ is None


def test_a_master_key_missing_from_the_ring_is_a_misfit(active_key: MakeKey) -> None:
    key = active_key()
    with override_keyring(FIRST), pytest.raises(MasterKeyMisfit) as error:
        stored_secret(key)
    assert error.value.master_key_id == key.master_key_id


def test_a_process_that_only_seals_raises_a_misfit(active_key: MakeKey) -> None:
    key = active_key()
    with override_keyring(public=public_key_text(DEFAULT_KEY)), pytest.raises(MasterKeyMisfit):
        stored_secret(key)


def test_a_damaged_row_with_a_failed_canary_is_a_misfit(active_key: MakeKey) -> None:
    key = active_key()
    _flip(key, -1)
    canary = MasterKeyCanary.objects.get()
    canary.ciphertext = canary.ciphertext[:-1]
    canary.save()
    master_key_state(fresh=True)
    with pytest.raises(MasterKeyMisfit):
        stored_secret(key)


def test_a_damaged_canary_alone_leaves_sound_keys_readable(active_key: MakeKey) -> None:
    key = active_key()
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    master_key_state(fresh=True)
    assert stored_secret(key) == SECRET


def test_opening_requires_every_part_of_the_binding() -> None:
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
def test_a_damaged_row_of_a_missing_master_key_is_a_misfit(
    active_key: MakeKey, damage: Callable[[ApiKey], None]
) -> None:
    key = active_key()
    damage(key)
    master_key_state(fresh=True)
    with override_keyring(FIRST), pytest.raises(MasterKeyMisfit):
        stored_secret(key)
    with pytest.raises(KeyUnreadable):
        stored_secret(key)


@pytest.mark.parametrize("damage", [lambda key: _flip(key, 1), _set("ciphertext", b"")])
def test_a_damaged_row_is_a_misfit_while_its_canary_fails(
    active_key: MakeKey, damage: Callable[[ApiKey], None]
) -> None:
    key = active_key()
    damage(key)
    MasterKeyCanary.objects.update(ciphertext=b"junk")
    master_key_state(fresh=True)
    with pytest.raises(MasterKeyMisfit):
        stored_secret(key)


def test_a_row_sealed_by_a_newer_master_key_is_a_misfit(active_key: MakeKey) -> None:
    master_key_state(fresh=True)  # cached before the web process sealed
    with override_keyring(public=public_key_text(FIRST)):
        key = active_key()
    with pytest.raises(MasterKeyMisfit):
        secret_open(
            key_id=key.pk,
            organisation_id=key.organisation_id,
            version=key.version,
            ciphertext=key.ciphertext,
            master_key_id=key.master_key_id,
        )

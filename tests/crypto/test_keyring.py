"""A process can seal without opening, and a master key can be replaced while the panel runs."""

import pytest

from freddy_admin.crypto.errors import (
    DecryptionFailed,
    InvalidMasterKey,
    MasterKeyMissing,
    PrivateKeysMissing,
)
from freddy_admin.crypto.keyring import (
    Keyring,
    master_key_id_of_sealed,
    public_key_from_private_key,
)
from tests.crypto.master_keys import FIRST, SECOND, THIRD, public_key_text


def test_the_first_key_of_the_ring_seals_and_all_keys_open() -> None:
    old_ring, new_ring = Keyring([FIRST]), Keyring([SECOND, FIRST])
    old_sealed = old_ring.seal(b"old", context=b"row")
    new_sealed = new_ring.seal(b"new", context=b"row")
    assert master_key_id_of_sealed(new_sealed) == Keyring([SECOND]).sealing_id
    assert new_ring.open(old_sealed, context=b"row") == b"old"
    assert new_ring.open(new_sealed, context=b"row") == b"new"


def test_a_removed_master_key_is_named() -> None:
    sealed = Keyring([FIRST]).seal(b"old", context=b"row")
    with pytest.raises(MasterKeyMissing) as raised:
        Keyring([SECOND]).open(sealed, context=b"row")
    assert raised.value.master_key_id == Keyring([FIRST]).sealing_id


def test_a_public_key_alone_seals_and_opens_nothing() -> None:
    web = Keyring(public_key=public_key_text(FIRST))
    sealed = web.seal(b"secret", context=b"row")
    assert not web.has_private_keys
    assert web.known_ids == frozenset()
    with pytest.raises(PrivateKeysMissing):
        web.open(sealed, context=b"row")
    assert Keyring([FIRST]).open(sealed, context=b"row") == b"secret"


def test_junk_is_refused_without_a_private_key_too() -> None:
    with pytest.raises(DecryptionFailed):
        Keyring(public_key=public_key_text(FIRST)).open(b"", context=b"row")


def test_the_public_key_setting_seals_even_beside_private_keys() -> None:
    ring = Keyring([FIRST], public_key=public_key_text(SECOND))
    assert ring.sealing_id == Keyring([SECOND]).sealing_id
    assert ring.known_ids == {Keyring([FIRST]).sealing_id}
    with pytest.raises(MasterKeyMissing):
        ring.open(ring.seal(b"secret", context=b"row"), context=b"row")


def test_every_key_of_the_ring_is_known_by_its_id() -> None:
    ring = Keyring([FIRST, SECOND, THIRD])
    assert ring.known_ids == {
        Keyring([private_key]).sealing_id for private_key in (FIRST, SECOND, THIRD)
    }


def test_padding_and_space_around_a_key_do_not_matter() -> None:
    assert Keyring([f" {FIRST.rstrip('=')} "]).sealing_id == Keyring([FIRST]).sealing_id


def test_the_public_key_is_derived_from_the_private_key() -> None:
    assert public_key_from_private_key(FIRST) == public_key_text(FIRST)


@pytest.mark.parametrize(
    "text", ["", "short", "!" * 44, "ä" * 43, FIRST[:-4], FIRST + "AAAA", "x" * 41]
)
def test_a_malformed_key_names_the_setting_and_not_the_value(text: str) -> None:
    for build in (
        lambda: Keyring([text]),
        lambda: Keyring([FIRST], public_key=text or "AAAA"),
    ):
        with pytest.raises(InvalidMasterKey) as raised:
            build()
        assert "ENCRYPTION_" in str(raised.value)
        assert len(text) < 5 or text not in str(raised.value)
        assert raised.value.__context__ is None


def test_a_ring_without_keys_is_refused() -> None:
    with pytest.raises(InvalidMasterKey, match="ENCRYPTION_KEYS is not set"):
        Keyring()


def test_a_public_key_that_everybody_could_open_is_refused() -> None:
    low_order = "A" * 43 + "="
    with pytest.raises(InvalidMasterKey, match="ENCRYPTION_PUBLIC_KEY"):
        Keyring([FIRST], public_key=low_order)

"""Who seals need not open, and a master key can be replaced without a stop."""

import pytest

from freddy_admin.crypto.errors import (
    CannotOpen,
    MasterKeyMissing,
    NoPrivateKeys,
    UnusableMasterKey,
)
from freddy_admin.crypto.keyring import Keyring, header_master_key_id, public_key_text
from tests.crypto.keys import FIRST, SECOND, THIRD, public_of


def test_the_first_key_seals_and_all_open() -> None:
    before, during = Keyring([FIRST]), Keyring([SECOND, FIRST])
    old = before.seal(b"old", context=b"row")
    new = during.seal(b"new", context=b"row")
    assert header_master_key_id(new) == Keyring([SECOND]).sealing_id
    assert during.open(old, context=b"row") == b"old"
    assert during.open(new, context=b"row") == b"new"


def test_a_removed_master_key_is_named() -> None:
    sealed = Keyring([FIRST]).seal(b"old", context=b"row")
    with pytest.raises(MasterKeyMissing) as missing:
        Keyring([SECOND]).open(sealed, context=b"row")
    assert missing.value.master_key_id == Keyring([FIRST]).sealing_id


def test_a_public_key_alone_seals_and_opens_nothing() -> None:
    web = Keyring(public_key=public_of(FIRST))
    sealed = web.seal(b"secret", context=b"row")
    assert not web.can_open
    assert web.known_ids == frozenset()
    with pytest.raises(NoPrivateKeys):
        web.open(sealed, context=b"row")
    assert Keyring([FIRST]).open(sealed, context=b"row") == b"secret"


def test_without_a_private_key_junk_is_still_junk() -> None:
    with pytest.raises(CannotOpen):
        Keyring(public_key=public_of(FIRST)).open(b"", context=b"row")


def test_the_public_key_setting_seals_even_beside_private_keys() -> None:
    ring = Keyring([FIRST], public_key=public_of(SECOND))
    assert ring.sealing_id == Keyring([SECOND]).sealing_id
    assert ring.known_ids == {Keyring([FIRST]).sealing_id}
    with pytest.raises(MasterKeyMissing):
        ring.open(ring.seal(b"secret", context=b"row"), context=b"row")


def test_every_key_of_the_ring_is_known_by_its_id() -> None:
    ring = Keyring([FIRST, SECOND, THIRD])
    assert ring.known_ids == {Keyring([one]).sealing_id for one in (FIRST, SECOND, THIRD)}


def test_padding_and_space_around_a_key_do_not_matter() -> None:
    assert Keyring([f" {FIRST.rstrip('=')} "]).sealing_id == Keyring([FIRST]).sealing_id


def test_the_public_half_can_be_printed_for_the_web_process() -> None:
    assert public_key_text(FIRST) == public_of(FIRST)


@pytest.mark.parametrize(
    "text", ["", "short", "!" * 44, "ä" * 43, FIRST[:-4], FIRST + "AAAA", "x" * 41]
)
def test_a_malformed_key_names_the_setting_and_not_the_value(text: str) -> None:
    for call in (
        lambda: Keyring([text]),
        lambda: Keyring([FIRST], public_key=text or "AAAA"),
    ):
        with pytest.raises(UnusableMasterKey) as wrong:
            call()
        assert "ENCRYPTION_" in str(wrong.value)
        assert len(text) < 5 or text not in str(wrong.value)
        assert wrong.value.__context__ is None


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(UnusableMasterKey, match="ENCRYPTION_KEYS is not set"):
        Keyring()


def test_a_public_key_that_everybody_could_open_is_refused() -> None:
    low_order = "A" * 43 + "="
    with pytest.raises(UnusableMasterKey, match="ENCRYPTION_PUBLIC_KEY"):
        Keyring([FIRST], public_key=low_order)

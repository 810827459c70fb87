"""Drill S12: sealed bytes that were swapped, flipped or cut are refused every time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.crypto.errors import CryptoError, DecryptionFailed
from freddy_admin.crypto.keyring import HEADER_LENGTH, Keyring
from tests.crypto.master_keys import FIRST, SECOND

RING = Keyring([FIRST, SECOND])
SECRET = b"ak_live_0123456789abcdefghijklmnopqrstuvwxyz"
SEALED = RING.seal(SECRET, context=b"row")


def _can_open(sealed: bytes) -> bool:
    try:
        RING.open(sealed, context=b"row")
    except CryptoError:
        return False
    return True


def test_every_flipped_bit_of_every_byte_is_refused() -> None:
    opened = []
    for position in range(len(SEALED)):
        for bit in range(8):
            damaged = bytearray(SEALED)
            damaged[position] ^= 1 << bit
            if _can_open(bytes(damaged)):
                opened.append((position, bit))
    assert opened == []


def test_every_truncation_is_refused() -> None:
    assert not any(_can_open(SEALED[:length]) for length in range(len(SEALED)))


def test_a_cut_off_beginning_is_refused() -> None:
    assert not any(_can_open(SEALED[start:]) for start in range(1, len(SEALED)))


@given(tail=st.binary(min_size=1, max_size=40))
def test_appended_bytes_are_refused(tail: bytes) -> None:
    assert not _can_open(SEALED + tail)


@given(
    position=st.integers(0, len(SEALED) - 1),
    mask=st.integers(1, 255),
    secret=st.binary(max_size=100),
)
def test_any_changed_byte_of_any_secret_is_refused(position: int, mask: int, secret: bytes) -> None:
    damaged = bytearray(RING.seal(secret, context=b"row"))
    damaged[position % len(damaged)] ^= mask
    assert not _can_open(bytes(damaged))


@given(junk=st.binary(max_size=200))
def test_junk_is_refused_without_any_other_error(junk: bytes) -> None:
    assert not _can_open(junk)


def test_a_header_that_names_another_key_of_the_ring_is_refused() -> None:
    other_key_id = bytes.fromhex(next(iter(RING.known_ids - {RING.sealing_id})))
    with pytest.raises(DecryptionFailed):
        RING.open(SEALED[:1] + other_key_id + SEALED[HEADER_LENGTH:], context=b"row")


def test_an_unknown_format_version_is_refused() -> None:
    with pytest.raises(DecryptionFailed):
        RING.open(b"\x02" + SEALED[1:], context=b"row")

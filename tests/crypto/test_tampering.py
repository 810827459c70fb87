"""Drill S12: swapped, flipped, cut: refused, every single time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.crypto.errors import CannotOpen, CryptoError
from freddy_admin.crypto.keyring import HEADER_LENGTH, Keyring
from tests.crypto.keys import FIRST, SECOND

RING = Keyring([FIRST, SECOND])
SECRET = b"ak_live_0123456789abcdefghijklmnopqrstuvwxyz"
SEALED = RING.seal(SECRET, context=b"row")


def _opens(sealed: bytes) -> bool:
    try:
        RING.open(sealed, context=b"row")
    except CryptoError:
        return False
    return True


def test_every_flipped_bit_of_every_byte_is_refused() -> None:
    opened = []
    for place in range(len(SEALED)):
        for bit in range(8):
            damaged = bytearray(SEALED)
            damaged[place] ^= 1 << bit
            if _opens(bytes(damaged)):
                opened.append((place, bit))
    assert opened == []


def test_every_truncation_is_refused() -> None:
    assert not any(_opens(SEALED[:length]) for length in range(len(SEALED)))


def test_a_cut_off_beginning_is_refused() -> None:
    assert not any(_opens(SEALED[start:]) for start in range(1, len(SEALED)))


@given(tail=st.binary(min_size=1, max_size=40))
def test_appended_bytes_are_refused(tail: bytes) -> None:
    assert not _opens(SEALED + tail)


@given(
    place=st.integers(0, len(SEALED) - 1),
    mask=st.integers(1, 255),
    secret=st.binary(max_size=100),
)
def test_any_changed_byte_of_any_secret_is_refused(place: int, mask: int, secret: bytes) -> None:
    damaged = bytearray(RING.seal(secret, context=b"row"))
    damaged[place % len(damaged)] ^= mask
    assert not _opens(bytes(damaged))


@given(junk=st.binary(max_size=200))
def test_junk_is_refused_without_any_other_error(junk: bytes) -> None:
    assert not _opens(junk)


def test_the_header_is_bound_so_that_it_cannot_name_another_key_of_the_ring() -> None:
    other = bytes.fromhex(next(iter(RING.known_ids - {RING.sealing_id})))
    with pytest.raises(CannotOpen):
        RING.open(SEALED[:1] + other + SEALED[HEADER_LENGTH:], context=b"row")


def test_an_unknown_format_version_is_refused() -> None:
    with pytest.raises(CannotOpen):
        RING.open(b"\x02" + SEALED[1:], context=b"row")

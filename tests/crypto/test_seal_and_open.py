"""What goes in comes out, in the place it was sealed for and nowhere else."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.crypto.errors import CannotOpen
from freddy_admin.crypto.keyring import Keyring
from tests.crypto.keys import FIRST

RING = Keyring([FIRST])


@given(plaintext=st.binary(max_size=600), context=st.binary(max_size=80))
def test_whatever_is_sealed_opens_to_the_same_bytes(plaintext: bytes, context: bytes) -> None:
    assert RING.open(RING.seal(plaintext, context=context), context=context) == plaintext


@given(here=st.binary(max_size=40), there=st.binary(max_size=40))
def test_it_does_not_open_in_another_context(here: bytes, there: bytes) -> None:
    sealed = RING.seal(b"secret", context=here)
    if here == there:
        return
    with pytest.raises(CannotOpen):
        RING.open(sealed, context=there)


def test_sealing_twice_gives_different_bytes() -> None:
    assert RING.seal(b"secret", context=b"a") != RING.seal(b"secret", context=b"a")


def test_the_plain_text_does_not_stand_in_the_sealed_bytes() -> None:
    assert b"a very secret text" not in RING.seal(b"a very secret text", context=b"row")


def test_a_ring_works_in_many_threads_at_once() -> None:
    def round_trip(number: int) -> bool:
        text = str(number).encode()
        return RING.open(RING.seal(text, context=text), context=text) == text

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(round_trip, range(100)))

"""Sealed bytes open in the context they were sealed for and in no other."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.crypto.errors import DecryptionFailed
from freddy_admin.crypto.keyring import Keyring
from tests.crypto.master_keys import FIRST

RING = Keyring([FIRST])


@given(plaintext=st.binary(max_size=600), context=st.binary(max_size=80))
def test_sealed_bytes_open_to_the_same_plain_text(plaintext: bytes, context: bytes) -> None:
    assert RING.open(RING.seal(plaintext, context=context), context=context) == plaintext


@given(context=st.binary(max_size=40), other_context=st.binary(max_size=40))
def test_sealed_bytes_do_not_open_in_another_context(context: bytes, other_context: bytes) -> None:
    sealed = RING.seal(b"secret", context=context)
    if context == other_context:
        return
    with pytest.raises(DecryptionFailed):
        RING.open(sealed, context=other_context)


def test_sealing_twice_gives_different_bytes() -> None:
    assert RING.seal(b"secret", context=b"a") != RING.seal(b"secret", context=b"a")


def test_sealed_bytes_do_not_contain_the_plain_text() -> None:
    assert b"a very secret text" not in RING.seal(b"a very secret text", context=b"row")


def test_a_ring_works_in_many_threads_at_once() -> None:
    def round_trip(number: int) -> bool:
        text = str(number).encode()
        return RING.open(RING.seal(text, context=text), context=text) == text

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(round_trip, range(100)))

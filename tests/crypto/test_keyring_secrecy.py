"""No repr, copy, pickle or error of `crypto` holds a key or a plain text."""

import copy
import pickle
import traceback

import pytest

from freddy_admin.crypto.errors import CryptoError
from freddy_admin.crypto.keyring import Keyring
from tests.crypto.master_keys import FIRST, SECOND, public_key_text

PLAIN = b"planted-plain-text-0123456789"


def test_the_repr_of_a_ring_names_ids_alone() -> None:
    ring = Keyring([FIRST, SECOND])
    for text in (repr(ring), str(ring), f"{ring}"):
        assert ring.sealing_id in text
        for material in (FIRST, SECOND, public_key_text(FIRST)):
            assert material.rstrip("=") not in text


@pytest.mark.parametrize("copy_or_store", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_ring_is_never_copied_or_stored(copy_or_store: object) -> None:
    with pytest.raises(TypeError, match="never copied"):
        copy_or_store(Keyring([FIRST]))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("ring", "tail"),
    [
        (Keyring([FIRST]), b"tail"),
        (Keyring([SECOND]), b""),
        (Keyring(public_key=public_key_text(FIRST)), b""),
    ],
)
def test_no_error_and_no_cause_of_it_holds_a_secret(ring: Keyring, tail: bytes) -> None:
    sealed = Keyring([FIRST]).seal(PLAIN, context=b"row")
    with pytest.raises(CryptoError) as raised:
        ring.open(sealed + tail, context=b"row")
    error: BaseException | None = raised.value
    text = "".join(traceback.format_exception(raised.value))
    while error is not None:
        text += repr(error) + repr(error.args) + repr(vars(error))
        error = error.__context__
    assert PLAIN.decode() not in text
    assert FIRST.rstrip("=") not in text

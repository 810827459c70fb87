"""No repr, copy, pickle or error of this room holds a key or a plain text."""

import copy
import pickle
import traceback

import pytest

from freddy_admin.crypto.errors import CryptoError
from freddy_admin.crypto.keyring import Keyring
from tests.crypto.keys import FIRST, SECOND, public_of

PLAIN = b"planted-plain-text-0123456789"


def test_the_repr_names_ids_alone() -> None:
    ring = Keyring([FIRST, SECOND])
    for text in (repr(ring), str(ring), f"{ring}"):
        assert ring.sealing_id in text
        for material in (FIRST, SECOND, public_of(FIRST)):
            assert material.rstrip("=") not in text


@pytest.mark.parametrize("carry", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_ring_is_never_copied_or_stored(carry: object) -> None:
    with pytest.raises(TypeError, match="never copied"):
        carry(Keyring([FIRST]))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("ring", "damage"),
    [
        (Keyring([FIRST]), b"tail"),
        (Keyring([SECOND]), b""),
        (Keyring(public_key=public_of(FIRST)), b""),
    ],
)
def test_no_error_and_nothing_it_hangs_on_holds_a_secret(ring: Keyring, damage: bytes) -> None:
    sealed = Keyring([FIRST]).seal(PLAIN, context=b"row")
    with pytest.raises(CryptoError) as failed:
        ring.open(sealed + damage, context=b"row")
    error: BaseException | None = failed.value
    told = "".join(traceback.format_exception(failed.value))
    while error is not None:
        told += repr(error) + repr(error.args) + repr(vars(error))
        error = error.__context__
    assert PLAIN.decode() not in told
    assert FIRST.rstrip("=") not in told

"""The KMS is asked once, by processes that open keys, and never by one that only seals."""

import base64

import pytest
from pytest_django import Settings

from freddy_admin.crypto.errors import NoPrivateKeys, UnusableMasterKey
from freddy_admin.crypto.keyring import keyring, private_key_bytes
from freddy_admin.crypto.kms import Kms
from freddy_admin.crypto.unwrapping import master_keys_unwrap
from tests.crypto.keys import FIRST, SECOND, public_of
from tests.kms import REGION


@pytest.fixture
def wrapped(settings: Settings, kms: Kms, kms_key_id: str) -> list[str]:
    raw = [private_key_bytes(FIRST), private_key_bytes(SECOND)]
    settings.ENCRYPTION_KEYS_KMS = kms.wrap(raw, key_id=kms_key_id)
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_PUBLIC_KEY = [], public_of(FIRST)
    settings.AWS_REGION, settings.AWS_KMS_ENDPOINT = REGION, kms.endpoint
    made: list[str] = settings.ENCRYPTION_KEYS_KMS
    return made


@pytest.mark.usefixtures("wrapped")
def test_before_it_is_asked_a_process_seals_and_opens_nothing() -> None:
    sealed = keyring().seal(b"text", context=b"place")
    assert not keyring().can_open
    with pytest.raises(NoPrivateKeys):
        keyring().open(sealed, context=b"place")
    master_keys_unwrap()
    assert keyring().open(sealed, context=b"place") == b"text"
    assert keyring().seals_with_first
    assert len(keyring().known_ids) == 2


def test_it_is_asked_once(wrapped: list[str], settings: Settings) -> None:
    master_keys_unwrap()
    settings.AWS_KMS_ENDPOINT = "http://127.0.0.1:9"  # nobody there to be asked
    master_keys_unwrap()
    assert keyring().can_open


def test_where_nothing_is_wrapped_nobody_is_asked(settings: Settings) -> None:
    settings.AWS_KMS_ENDPOINT = "http://127.0.0.1:9"
    master_keys_unwrap()
    assert keyring().can_open  # with ENCRYPTION_KEYS, as before


def test_a_public_key_of_another_pair_is_refused(wrapped: list[str], settings: Settings) -> None:
    settings.ENCRYPTION_PUBLIC_KEY = public_of(SECOND)
    with pytest.raises(UnusableMasterKey, match="ENCRYPTION_PUBLIC_KEY does not belong"):
        master_keys_unwrap()
    assert not keyring().can_open


@pytest.mark.usefixtures("wrapped")
def test_what_came_back_is_in_no_setting(settings: Settings) -> None:
    master_keys_unwrap()
    every = repr({name: getattr(settings, name) for name in dir(settings) if name.isupper()})
    assert FIRST not in every
    assert base64.b64encode(private_key_bytes(FIRST)).decode() not in every
    assert FIRST not in repr(keyring())

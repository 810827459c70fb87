"""KMS is called once, by processes that open keys, and never by one that only seals."""

import base64

import pytest
from pytest_django import Settings

from freddy_admin.crypto.errors import InvalidMasterKey, PrivateKeysMissing
from freddy_admin.crypto.keyring import decode_private_key, keyring, master_keys_unwrap
from freddy_admin.crypto.kms import KmsClient
from tests.crypto.master_keys import FIRST, SECOND, public_key_text
from tests.kms_server import REGION


@pytest.fixture
def wrapped_keys(settings: Settings, kms: KmsClient, kms_key_id: str) -> list[str]:
    raw = [decode_private_key(FIRST), decode_private_key(SECOND)]
    settings.ENCRYPTION_KEYS_KMS = kms.wrap(raw, key_id=kms_key_id)
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_PUBLIC_KEY = [], public_key_text(FIRST)
    settings.AWS_REGION, settings.AWS_KMS_ENDPOINT = REGION, kms.endpoint
    keys: list[str] = settings.ENCRYPTION_KEYS_KMS
    return keys


@pytest.mark.usefixtures("wrapped_keys")
def test_a_process_only_seals_before_its_keys_are_unwrapped() -> None:
    sealed = keyring().seal(b"text", context=b"place")
    assert not keyring().has_private_keys
    with pytest.raises(PrivateKeysMissing):
        keyring().open(sealed, context=b"place")
    master_keys_unwrap()
    assert keyring().open(sealed, context=b"place") == b"text"
    assert keyring().is_sealing_to_first_private_key
    assert len(keyring().known_ids) == 2


def test_kms_is_called_once(wrapped_keys: list[str], settings: Settings) -> None:
    master_keys_unwrap()
    settings.AWS_KMS_ENDPOINT = "http://127.0.0.1:9"  # no KMS listens there
    master_keys_unwrap()
    assert keyring().has_private_keys


def test_kms_is_not_called_without_wrapped_keys(settings: Settings) -> None:
    settings.AWS_KMS_ENDPOINT = "http://127.0.0.1:9"
    master_keys_unwrap()
    assert keyring().has_private_keys  # with ENCRYPTION_KEYS, as before


def test_a_public_key_of_another_pair_is_refused(
    wrapped_keys: list[str], settings: Settings
) -> None:
    settings.ENCRYPTION_PUBLIC_KEY = public_key_text(SECOND)
    with pytest.raises(InvalidMasterKey, match="ENCRYPTION_PUBLIC_KEY does not belong"):
        master_keys_unwrap()
    assert not keyring().has_private_keys


@pytest.mark.usefixtures("wrapped_keys")
def test_unwrapped_keys_are_in_no_setting(settings: Settings) -> None:
    master_keys_unwrap()
    all_settings = repr({name: getattr(settings, name) for name in dir(settings) if name.isupper()})
    assert FIRST not in all_settings
    assert base64.b64encode(decode_private_key(FIRST)).decode() not in all_settings
    assert FIRST not in repr(keyring())

"""The keyring of a process follows its settings."""

import pytest
from pytest_django import Settings

from freddy_admin.crypto.keyring import Keyring, keyring, keyring_reset
from tests.crypto.master_keys import FIRST, SECOND, public_key_text


def test_the_keyring_is_built_once_for_the_same_settings(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_PUBLIC_KEY = [FIRST], ""
    assert keyring() is keyring()


def test_the_keyring_is_built_again_for_other_settings(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [FIRST]
    first_id = keyring().sealing_id
    settings.ENCRYPTION_KEYS = [SECOND, FIRST]
    assert keyring().sealing_id != first_id
    assert first_id in keyring().known_ids


def test_a_web_process_may_have_the_public_key_alone(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_PUBLIC_KEY = [], public_key_text(FIRST)
    assert not keyring().has_private_keys
    assert keyring().sealing_id == Keyring([FIRST]).sealing_id


@pytest.mark.parametrize("_time", range(2))
def test_the_keyring_can_be_reset(_time: int) -> None:
    former = keyring()
    keyring_reset()
    assert keyring() is not former

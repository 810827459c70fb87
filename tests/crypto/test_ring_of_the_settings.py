"""The ring of this process follows its settings."""

import pytest
from pytest_django import Settings

from freddy_admin.crypto.keyring import Keyring, keyring, keyring_reset
from tests.crypto.keys import FIRST, SECOND, public_of


def test_it_is_made_once_for_the_same_settings(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_PUBLIC_KEY = [FIRST], ""
    assert keyring() is keyring()


def test_it_is_another_one_for_other_settings(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [FIRST]
    first = keyring().sealing_id
    settings.ENCRYPTION_KEYS = [SECOND, FIRST]
    assert keyring().sealing_id != first
    assert first in keyring().known_ids


def test_a_web_process_may_have_the_public_key_alone(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_PUBLIC_KEY = [], public_of(FIRST)
    assert not keyring().can_open
    assert keyring().sealing_id == Keyring([FIRST]).sealing_id


@pytest.mark.parametrize("_time", range(2))
def test_it_can_be_forgotten(_time: int) -> None:
    former = keyring()
    keyring_reset()
    assert keyring() is not former

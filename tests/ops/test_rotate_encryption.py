"""`rotate_encryption`: afterwards the former master key can be taken away."""

import base64
import os

import pytest
from django.conf import LazySettings

from freddy_admin.crypto.keyring import keyring_reset, public_key_from_private_key
from freddy_admin.vault.models import ApiKey
from tests.ops.conftest import RunCommand, WriteKeyFile, sandbox_secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def former_key_id(
    run_command: RunCommand, write_key_file: WriteKeyFile, settings: LazySettings
) -> str:
    """Two keys are stored; then a new master key is put before the former one."""
    rows = [f"Acme,{name},{sandbox_secret(seed=name)},," for name in ("One", "Two")]
    run_command("import_keys", str(write_key_file(*rows)))
    (old_key,) = settings.ENCRYPTION_KEYS
    new_key = base64.urlsafe_b64encode(os.urandom(32)).decode()
    settings.ENCRYPTION_KEYS = [new_key, old_key]
    return ApiKey.objects.values_list("master_key_id", flat=True)[0]


def test_rotate_encryption_seals_every_key_anew(
    run_command: RunCommand, former_key_id: str
) -> None:
    result = run_command("rotate_encryption")
    assert result.code == 0
    assert "Sealed anew: 2 keys" in result.out
    assert f"Master key {former_key_id}: 0 rows under the former key; it can go now." in result.out
    assert not ApiKey.objects.filter(master_key_id=former_key_id).exists()


def test_second_rotation_has_nothing_to_do(run_command: RunCommand, former_key_id: str) -> None:
    run_command("rotate_encryption")
    result = run_command("rotate_encryption")
    assert result.code == 0
    assert "Sealed anew: 0 keys" in result.out


def test_damaged_key_is_named_and_left_as_it_is(
    run_command: RunCommand, former_key_id: str
) -> None:
    damaged_key = ApiKey.objects.get(label="One")
    ApiKey.objects.filter(pk=damaged_key.pk).update(
        ciphertext=bytes(damaged_key.ciphertext)[:-1] + b"x"
    )
    result = run_command("rotate_encryption")
    assert result.code == 1
    assert "Not opened: Acme / One" in result.out
    assert ApiKey.objects.get(label="Two").master_key_id != former_key_id


def test_rotation_without_private_keys_is_refused(
    run_command: RunCommand, settings: LazySettings
) -> None:
    settings.ENCRYPTION_PUBLIC_KEY = public_key_from_private_key(settings.ENCRYPTION_KEYS[0])
    settings.ENCRYPTION_KEYS = []
    result = run_command("rotate_encryption")
    keyring_reset()
    assert result.code == 1
    assert "ENCRYPTION_KEYS" in result.err

"""`rotate_encryption`: afterwards the former master key can be taken away."""

import base64
import os

import pytest
from django.conf import LazySettings

from freddy_admin.crypto.keyring import keyring_reset, public_key_text
from freddy_admin.vault.models import ApiKey
from tests.ops.conftest import ImportFile, Run, secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def former(run: Run, key_file: ImportFile, settings: LazySettings) -> str:
    """Two keys are stored; then a new master key is put before the former one."""
    rows = [f"Acme,{name},{secret(seed=name)},," for name in ("One", "Two")]
    run("import_keys", str(key_file(*rows)))
    (old,) = settings.ENCRYPTION_KEYS
    new = base64.urlsafe_b64encode(os.urandom(32)).decode()
    settings.ENCRYPTION_KEYS = [new, old]
    return ApiKey.objects.values_list("master_key_id", flat=True)[0]


def test_every_key_is_sealed_anew(run: Run, former: str) -> None:
    ended = run("rotate_encryption")
    assert ended.code == 0
    assert "Sealed anew: 2 keys" in ended.out
    assert f"Master key {former}: 0 rows under the former key; it can go now." in ended.out
    assert not ApiKey.objects.filter(master_key_id=former).exists()


def test_a_second_run_has_nothing_to_do(run: Run, former: str) -> None:
    run("rotate_encryption")
    ended = run("rotate_encryption")
    assert ended.code == 0
    assert "Sealed anew: 0 keys" in ended.out


def test_a_damaged_key_is_named_and_left_as_it_is(run: Run, former: str) -> None:
    spoilt = ApiKey.objects.get(label="One")
    ApiKey.objects.filter(pk=spoilt.pk).update(ciphertext=bytes(spoilt.ciphertext)[:-1] + b"x")
    ended = run("rotate_encryption")
    assert ended.code == 1
    assert "Not opened: Acme / One" in ended.out
    assert ApiKey.objects.get(label="Two").master_key_id != former


def test_a_process_that_opens_nothing_says_so(run: Run, settings: LazySettings) -> None:
    settings.ENCRYPTION_PUBLIC_KEY = public_key_text(settings.ENCRYPTION_KEYS[0])
    settings.ENCRYPTION_KEYS = []
    ended = run("rotate_encryption")
    keyring_reset()
    assert ended.code == 1
    assert "ENCRYPTION_KEYS" in ended.err

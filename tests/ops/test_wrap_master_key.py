"""`wrap_master_key` and the commands that open keys with what it printed."""

import base64
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from freddy_admin.conf.master_key_settings import parse_wrapped_keys
from freddy_admin.crypto.keyring import (
    Keyring,
    keyring,
    keyring_reset,
    public_key_from_private_key,
)
from freddy_admin.vault.models import ApiKey
from tests.kms_server import CREDENTIALS, REGION, kms_key_create, kms_server
from tests.ops.conftest import CommandResult, RunCommand, WriteKeyFile, sandbox_secret

pytestmark = pytest.mark.django_db
PRESENT_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with kms_server() as address:
        yield address


@pytest.fixture
def kms_key_id(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> str:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    settings.AWS_REGION, settings.AWS_KMS_ENDPOINT = REGION, endpoint
    return kms_key_create(endpoint)


def _apply_settings(settings: LazySettings, result: CommandResult) -> None:
    """Put the two printed lines into the settings, as an operator does."""
    assert result.code == 0, result.err
    settings_by_name = dict(line.split("=", 1) for line in result.lines)
    settings.ENCRYPTION_KEYS = []
    settings.ENCRYPTION_PUBLIC_KEY = settings_by_name["ENCRYPTION_PUBLIC_KEY"]
    settings.ENCRYPTION_KEYS_KMS = parse_wrapped_keys(
        settings_by_name["ENCRYPTION_KEYS_KMS"],
        private="",
        public=settings.ENCRYPTION_PUBLIC_KEY,
        region=settings.AWS_REGION,
    )
    keyring_reset()


def test_wrapped_master_keys_open_what_they_sealed(
    run_command: RunCommand, write_key_file: WriteKeyFile, settings: LazySettings, kms_key_id: str
) -> None:
    run_command("import_keys", str(write_key_file(f"Acme,Main,{sandbox_secret()},,")))
    result = run_command("wrap_master_key", "--kms-key", kms_key_id)
    assert PRESENT_KEY not in result.out + result.err
    _apply_settings(settings, result)
    assert public_key_from_private_key(PRESENT_KEY) == settings.ENCRYPTION_PUBLIC_KEY
    assert not keyring().has_private_keys  # as in the web process, which never calls KMS
    assert "Acme / Main" in run_command("check_now", "--all").out
    assert keyring().known_ids == Keyring([PRESENT_KEY]).known_ids


def test_new_master_key_comes_before_the_wrapped_ones(
    run_command: RunCommand, write_key_file: WriteKeyFile, settings: LazySettings, kms_key_id: str
) -> None:
    run_command("import_keys", str(write_key_file(f"Acme,Main,{sandbox_secret()},,")))
    _apply_settings(settings, run_command("wrap_master_key", "--kms-key", kms_key_id))
    (former_wrapped_key,) = settings.ENCRYPTION_KEYS_KMS
    _apply_settings(settings, run_command("wrap_master_key", "--kms-key", kms_key_id, "--new"))
    assert settings.ENCRYPTION_KEYS_KMS[1:] == [former_wrapped_key]
    result = run_command("rotate_encryption")
    assert result.code == 0, result.err
    assert "0 rows under the former key" in result.out
    assert ApiKey.objects.get().master_key_id == keyring().sealing_id


def test_first_master_key_is_created_where_there_is_none(
    run_command: RunCommand, settings: LazySettings, kms_key_id: str
) -> None:
    settings.ENCRYPTION_KEYS = []
    first, second = (
        run_command("wrap_master_key", "--kms-key", kms_key_id, "--new") for _ in range(2)
    )
    assert first.out != second.out
    _apply_settings(settings, first)
    assert keyring().sealing_id


@pytest.mark.parametrize("missing_setting", ["AWS_REGION", "ENCRYPTION_KEYS"])
def test_missing_setting_is_named(
    run_command: RunCommand, settings: LazySettings, kms_key_id: str, missing_setting: str
) -> None:
    setattr(settings, missing_setting, [] if missing_setting == "ENCRYPTION_KEYS" else "")
    result = run_command("wrap_master_key", "--kms-key", kms_key_id)
    assert result.code in {1, 2}
    assert missing_setting in result.err


@pytest.mark.parametrize(
    "command", [("run_worker",), ("check_now", "--all"), ("rotate_encryption",)]
)
def test_refusing_kms_is_a_sentence_with_the_name_of_the_setting(
    run_command: RunCommand, settings: LazySettings, kms_key_id: str, command: tuple[str, ...]
) -> None:
    _apply_settings(settings, run_command("wrap_master_key", "--kms-key", kms_key_id))
    settings.ENCRYPTION_KEYS_KMS = [base64.b64encode(b"spoilt" * 20).decode()]
    result = run_command(*command)
    assert result.code == 1
    assert "ENCRYPTION_KEYS_KMS" in result.err
    assert "Traceback" not in result.err

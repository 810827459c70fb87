"""`wrap_master_key` and the commands that open keys with what it printed."""

import base64
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from freddy_admin.core.wrapped_keys import wrapped_keys
from freddy_admin.crypto.keyring import Keyring, keyring, keyring_reset, public_key_text
from freddy_admin.vault.models import ApiKey
from tests.kms import CREDENTIALS, REGION, kms_key, kms_server
from tests.ops.conftest import Ended, ImportFile, Run, secret

pytestmark = pytest.mark.django_db
PRESENT = base64.urlsafe_b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with kms_server() as address:
        yield address


@pytest.fixture
def kms_key_id(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> str:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    settings.AWS_REGION, settings.AWS_KMS_ENDPOINT = REGION, endpoint
    return kms_key(endpoint)


def _adopt(settings: LazySettings, ended: Ended) -> None:
    """What an operator does with the two lines."""
    assert ended.code == 0, ended.err
    lines = dict(line.split("=", 1) for line in ended.lines)
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_PUBLIC_KEY = [], lines["ENCRYPTION_PUBLIC_KEY"]
    settings.ENCRYPTION_KEYS_KMS = wrapped_keys(
        lines["ENCRYPTION_KEYS_KMS"],
        private="",
        public=settings.ENCRYPTION_PUBLIC_KEY,
        region=settings.AWS_REGION,
    )
    keyring_reset()


def test_the_present_keys_are_wrapped_and_open_what_they_sealed(
    run: Run, key_file: ImportFile, settings: LazySettings, kms_key_id: str
) -> None:
    run("import_keys", str(key_file(f"Acme,Main,{secret()},,")))
    ended = run("wrap_master_key", "--kms-key", kms_key_id)
    assert PRESENT not in ended.out + ended.err
    _adopt(settings, ended)
    assert public_key_text(PRESENT) == settings.ENCRYPTION_PUBLIC_KEY
    assert not keyring().can_open  # as in the web process, which never asks
    assert "Acme / Main" in run("check_now", "--all").out
    assert keyring().known_ids == Keyring([PRESENT]).known_ids


def test_a_new_one_comes_first_and_the_wrapped_ones_stay_behind_it(
    run: Run, key_file: ImportFile, settings: LazySettings, kms_key_id: str
) -> None:
    run("import_keys", str(key_file(f"Acme,Main,{secret()},,")))
    _adopt(settings, run("wrap_master_key", "--kms-key", kms_key_id))
    (former,) = settings.ENCRYPTION_KEYS_KMS
    _adopt(settings, run("wrap_master_key", "--kms-key", kms_key_id, "--new"))
    assert settings.ENCRYPTION_KEYS_KMS[1:] == [former]
    ended = run("rotate_encryption")
    assert ended.code == 0, ended.err
    assert "0 rows under the former key" in ended.out
    assert ApiKey.objects.get().master_key_id == keyring().sealing_id


def test_the_first_key_of_all_is_made_where_there_is_none(
    run: Run, settings: LazySettings, kms_key_id: str
) -> None:
    settings.ENCRYPTION_KEYS = []
    first, second = (run("wrap_master_key", "--kms-key", kms_key_id, "--new") for _ in range(2))
    assert first.out != second.out
    _adopt(settings, first)
    assert keyring().sealing_id


@pytest.mark.parametrize("left_out", ["AWS_REGION", "ENCRYPTION_KEYS"])
def test_what_is_missing_is_named(
    run: Run, settings: LazySettings, kms_key_id: str, left_out: str
) -> None:
    setattr(settings, left_out, [] if left_out == "ENCRYPTION_KEYS" else "")
    ended = run("wrap_master_key", "--kms-key", kms_key_id)
    assert ended.code in {1, 2}
    assert left_out in ended.err


@pytest.mark.parametrize(
    "command", [("run_worker",), ("check_now", "--all"), ("rotate_encryption",)]
)
def test_a_kms_that_refuses_is_a_sentence_with_the_name_of_the_setting(
    run: Run, settings: LazySettings, kms_key_id: str, command: tuple[str, ...]
) -> None:
    _adopt(settings, run("wrap_master_key", "--kms-key", kms_key_id))
    settings.ENCRYPTION_KEYS_KMS = [base64.b64encode(b"spoilt" * 20).decode()]
    ended = run(*command)
    assert ended.code == 1
    assert "ENCRYPTION_KEYS_KMS" in ended.err
    assert "Traceback" not in ended.err

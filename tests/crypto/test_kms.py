"""Master keys wrapped by AWS KMS: bound to their purpose, and never in a log or an error."""

import base64
import builtins
import logging
import traceback
from typing import Any

import pytest

from freddy_admin.crypto.errors import KmsError
from freddy_admin.crypto.keyring import decode_private_key
from freddy_admin.crypto.kms import KmsClient
from tests.crypto.master_keys import FIRST, SECOND
from tests.kms_server import REGION

RAW_KEYS = [decode_private_key(FIRST), decode_private_key(SECOND)]


def test_wrapped_keys_are_unwrapped_in_order(kms: KmsClient, kms_key_id: str) -> None:
    wrapped = kms.wrap(RAW_KEYS, key_id=kms_key_id)
    assert kms.unwrap(wrapped) == [FIRST, SECOND]


def test_a_wrapped_key_is_bound_to_its_purpose(kms: KmsClient, kms_key_id: str) -> None:
    import boto3

    client = boto3.client("kms", region_name=REGION, endpoint_url=kms.endpoint)
    response = client.encrypt(
        KeyId=kms_key_id, Plaintext=RAW_KEYS[0], EncryptionContext={"purpose": "backup"}
    )
    text = base64.b64encode(response["CiphertextBlob"]).decode()
    with pytest.raises(KmsError, match=r"key 1 of 1 .*another purpose"):
        kms.unwrap([text])


def test_bytes_that_are_no_master_key_are_refused(kms: KmsClient, kms_key_id: str) -> None:
    wrapped = kms.wrap([b"too short"], key_id=kms_key_id)
    with pytest.raises(KmsError, match="no master key of 32 bytes"):
        kms.unwrap(wrapped)


def test_a_changed_bit_of_a_wrapped_key_is_refused(kms: KmsClient, kms_key_id: str) -> None:
    blob = bytearray(base64.b64decode(kms.wrap(RAW_KEYS[:1], key_id=kms_key_id)[0]))
    for position in (1, len(blob) // 2, len(blob) - 1):
        damaged = bytearray(blob)
        damaged[position] ^= 1
        with pytest.raises(KmsError, match="ENCRYPTION_KEYS_KMS"):
            kms.unwrap([base64.b64encode(bytes(damaged)).decode()])


def test_an_unknown_kms_key_is_named_in_the_error(kms: KmsClient) -> None:
    with pytest.raises(KmsError, match="knows no such key"):
        kms.wrap(RAW_KEYS, key_id="00000000-0000-0000-0000-000000000000")


def test_missing_credentials_and_an_unreachable_kms_are_named_in_the_error(
    kms: KmsClient, kms_key_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped = kms.wrap(RAW_KEYS[:1], key_id=kms_key_id)
    with pytest.raises(KmsError, match="AWS_KMS_ENDPOINT"):
        KmsClient(region=REGION, endpoint="http://127.0.0.1:9").unwrap(wrapped)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(KmsError, match="no AWS credentials"):
        kms.unwrap(wrapped)


def test_the_error_without_boto3_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original_import = builtins.__import__

    def import_without_boto3(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "boto3":
            raise ImportError
        return original_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", import_without_boto3)
    with pytest.raises(KmsError, match=r"requirements/aws\.txt"):
        KmsClient(region=REGION).unwrap(["eA=="])


def test_no_log_line_holds_a_key_at_the_lowest_level_of_every_logger(
    kms: KmsClient, kms_key_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "botocore", "botocore.parsers", "botocore.endpoint", "boto3", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    wrapped = kms.wrap(RAW_KEYS, key_id=kms_key_id)
    assert kms.unwrap(wrapped) == [FIRST, SECOND]
    logging.getLogger("botocore.parsers").debug("heard again")  # logging is enabled again
    text = "\n".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records)
    assert "heard again" in text
    _assert_no_secret_in(text)


def test_no_error_holds_a_key(kms: KmsClient, kms_key_id: str) -> None:
    wrapped = kms.wrap([*RAW_KEYS, b"short"], key_id=kms_key_id)
    with pytest.raises(KmsError) as raised:
        kms.unwrap(wrapped)
    text = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + repr(kms)
    _assert_no_secret_in(text)


def _assert_no_secret_in(text: str) -> None:
    for raw in RAW_KEYS:
        forms = (base64.b64encode(raw), base64.urlsafe_b64encode(raw))
        assert raw.hex() not in text
        assert repr(raw)[2:-1] not in text
        assert [form for form in forms if form.decode().rstrip("=") in text] == []

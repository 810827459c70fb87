"""Master keys that AWS KMS wraps: they come back for our purpose alone, and nothing tells them."""

import base64
import builtins
import logging
import traceback
from typing import Any

import pytest

from freddy_admin.crypto.errors import KmsRefused
from freddy_admin.crypto.keyring import private_key_bytes
from freddy_admin.crypto.kms import Kms
from tests.crypto.keys import FIRST, SECOND
from tests.kms import REGION

BOTH = [private_key_bytes(FIRST), private_key_bytes(SECOND)]


def test_what_was_wrapped_comes_back_in_order(kms: Kms, kms_key_id: str) -> None:
    wrapped = kms.wrap(BOTH, key_id=kms_key_id)
    assert kms.unwrap(wrapped) == [FIRST, SECOND]


def test_it_is_bound_to_its_purpose(kms: Kms, kms_key_id: str) -> None:
    import boto3

    client = boto3.client("kms", region_name=REGION, endpoint_url=kms.endpoint)
    other = client.encrypt(
        KeyId=kms_key_id, Plaintext=BOTH[0], EncryptionContext={"purpose": "backup"}
    )
    text = base64.b64encode(other["CiphertextBlob"]).decode()
    with pytest.raises(KmsRefused, match=r"key 1 of 1 .*another purpose"):
        kms.unwrap([text])


def test_bytes_that_are_no_master_key_are_refused(kms: Kms, kms_key_id: str) -> None:
    wrapped = kms.wrap([b"too short"], key_id=kms_key_id)
    with pytest.raises(KmsRefused, match="no master key of 32 bytes"):
        kms.unwrap(wrapped)


def test_each_bit_of_what_is_wrapped_counts(kms: Kms, kms_key_id: str) -> None:
    blob = bytearray(base64.b64decode(kms.wrap(BOTH[:1], key_id=kms_key_id)[0]))
    for place in (1, len(blob) // 2, len(blob) - 1):
        spoilt = bytearray(blob)
        spoilt[place] ^= 1
        with pytest.raises(KmsRefused, match="ENCRYPTION_KEYS_KMS"):
            kms.unwrap([base64.b64encode(bytes(spoilt)).decode()])


def test_a_key_that_kms_does_not_know_is_told(kms: Kms) -> None:
    with pytest.raises(KmsRefused, match="knows no such key"):
        kms.wrap(BOTH, key_id="00000000-0000-0000-0000-000000000000")


def test_no_credentials_and_no_way_there_are_told(
    kms: Kms, kms_key_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped = kms.wrap(BOTH[:1], key_id=kms_key_id)
    with pytest.raises(KmsRefused, match="AWS_KMS_ENDPOINT"):
        Kms(region=REGION, endpoint="http://127.0.0.1:9").unwrap(wrapped)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(KmsRefused, match="no AWS credentials"):
        kms.unwrap(wrapped)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "boto3":
            raise ImportError
        return load(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(KmsRefused, match=r"requirements/aws\.txt"):
        Kms(region=REGION).unwrap(["eA=="])


def test_no_log_line_holds_a_key_at_the_lowest_level_of_every_logger(
    kms: Kms, kms_key_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "botocore", "botocore.parsers", "botocore.endpoint", "boto3", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    wrapped = kms.wrap(BOTH, key_id=kms_key_id)
    assert kms.unwrap(wrapped) == [FIRST, SECOND]
    logging.getLogger("botocore.parsers").debug("heard again")  # the silence is over
    told = "\n".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records)
    assert "heard again" in told
    _expect_clean(told)


def test_no_error_holds_a_key(kms: Kms, kms_key_id: str) -> None:
    wrapped = kms.wrap([*BOTH, b"short"], key_id=kms_key_id)
    with pytest.raises(KmsRefused) as refused:
        kms.unwrap(wrapped)
    told = "".join(traceback.format_exception(refused.value)) + repr(refused.value) + repr(kms)
    _expect_clean(told)


def _expect_clean(told: str) -> None:
    for raw in BOTH:
        forms = (base64.b64encode(raw), base64.urlsafe_b64encode(raw))
        assert raw.hex() not in told
        assert repr(raw)[2:-1] not in told
        assert [form for form in forms if form.decode().rstrip("=") in told] == []

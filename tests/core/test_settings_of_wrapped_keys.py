"""ENCRYPTION_KEYS_KMS and what belongs to it: each refusal names the setting, never the value."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.core.wrapped_keys import kms_endpoint, region, wrapped_keys

ONE = base64.b64encode(b"planted" * 20).decode()
TWO = base64.b64encode(b"planned" * 20).decode()
BESIDE = {"private": "", "public": "public", "region": "eu-central-1"}


def test_what_wrap_master_key_prints_is_taken() -> None:
    assert wrapped_keys(f" aws-kms:{ONE}, {TWO} ", **BESIDE) == [ONE, TWO]
    assert wrapped_keys("", private="", public="", region="") == []


@pytest.mark.parametrize(
    ("text", "beside", "says"),
    [
        (ONE, {}, "must begin with aws-kms:"),
        (f"aws-kms:{ONE}", {"private": "key"}, "ENCRYPTION_KEYS and ENCRYPTION_KEYS_KMS are both"),
        (f"aws-kms:{ONE}", {"public": " "}, "needs ENCRYPTION_PUBLIC_KEY beside"),
        (f"aws-kms:{ONE}", {"region": ""}, "needs AWS_REGION"),
        (f"aws-kms:{ONE},planted!", {}, r"ENCRYPTION_KEYS_KMS \(key 2 of 2\)"),
        (f"aws-kms:{ONE[:40]}", {}, r"ENCRYPTION_KEYS_KMS \(key 1 of 1\)"),
        (f"aws-kms:{ONE},{ONE}", {}, "the same one twice"),
        ("aws-kms:", {}, "names no key"),
    ],
)
def test_anything_else_is_refused(text: str, beside: dict[str, str], says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=says) as refused:
        wrapped_keys(text, **{**BESIDE, **beside})
    assert ONE[:12] not in str(refused.value)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize("name", ["eu-central-1", "us-gov-west-1", "ap-southeast-2", ""])
def test_a_region_is_taken(name: str) -> None:
    assert region(name) == name


@pytest.mark.parametrize("name", ["Frankfurt", "eu_central_1", "eu-central", "eu-central-1/../x"])
def test_no_region_is_refused(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AWS_REGION"):
        region(name)


@pytest.mark.parametrize(
    "address", ["", "https://kms.example.org", "http://127.0.0.1:5000", "http://localhost:5000"]
)
def test_an_endpoint_is_taken(address: str) -> None:
    assert kms_endpoint(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://kms.example.org",
        "http://10.0.0.1",
        "https://user:planted@kms.example.org",
        "https://kms.example.org/?x=planted",
        "ftp://kms.example.org",
        "https://",
        "https://kms.example.org:99999",
        "http://127.0.0.1\\@evil.example",
    ],
)
def test_any_other_endpoint_is_refused(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AWS_KMS_ENDPOINT") as refused:
        kms_endpoint(address)
    assert "planted" not in str(refused.value)

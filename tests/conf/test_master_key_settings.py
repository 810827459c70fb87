"""ENCRYPTION_KEYS_KMS and what belongs to it: each refusal names the setting, never the value."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.master_key_settings import (
    parse_aws_region,
    parse_kms_endpoint,
    parse_wrapped_keys,
)

FIRST_WRAPPED_KEY = base64.b64encode(b"planted" * 20).decode()
SECOND_WRAPPED_KEY = base64.b64encode(b"planned" * 20).decode()
OTHER_SETTINGS = {"private": "", "public": "public", "region": "eu-central-1"}


def test_wrapped_keys_are_accepted_as_wrap_master_key_prints_them() -> None:
    assert parse_wrapped_keys(
        f" aws-kms:{FIRST_WRAPPED_KEY}, {SECOND_WRAPPED_KEY} ", **OTHER_SETTINGS
    ) == [FIRST_WRAPPED_KEY, SECOND_WRAPPED_KEY]
    assert parse_wrapped_keys("", private="", public="", region="") == []


@pytest.mark.parametrize(
    ("text", "changes", "sentence"),
    [
        (FIRST_WRAPPED_KEY, {}, "must begin with aws-kms:"),
        (
            f"aws-kms:{FIRST_WRAPPED_KEY}",
            {"private": "key"},
            "ENCRYPTION_KEYS and ENCRYPTION_KEYS_KMS are both",
        ),
        (f"aws-kms:{FIRST_WRAPPED_KEY}", {"public": " "}, "needs ENCRYPTION_PUBLIC_KEY beside"),
        (f"aws-kms:{FIRST_WRAPPED_KEY}", {"region": ""}, "needs AWS_REGION"),
        (f"aws-kms:{FIRST_WRAPPED_KEY},planted!", {}, r"ENCRYPTION_KEYS_KMS \(key 2 of 2\)"),
        (f"aws-kms:{FIRST_WRAPPED_KEY[:40]}", {}, r"ENCRYPTION_KEYS_KMS \(key 1 of 1\)"),
        (f"aws-kms:{FIRST_WRAPPED_KEY},{FIRST_WRAPPED_KEY}", {}, "the same one twice"),
        ("aws-kms:", {}, "names no key"),
    ],
)
def test_wrapped_keys_in_any_other_form_are_refused(
    text: str, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence) as raised:
        parse_wrapped_keys(text, **{**OTHER_SETTINGS, **changes})
    assert FIRST_WRAPPED_KEY[:12] not in str(raised.value)
    assert "planted" not in str(raised.value)


@pytest.mark.parametrize("name", ["eu-central-1", "us-gov-west-1", "ap-southeast-2", ""])
def test_an_aws_region_is_accepted(name: str) -> None:
    assert parse_aws_region(name) == name


@pytest.mark.parametrize("name", ["Frankfurt", "eu_central_1", "eu-central", "eu-central-1/../x"])
def test_an_invalid_aws_region_is_refused(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AWS_REGION"):
        parse_aws_region(name)


@pytest.mark.parametrize(
    "address", ["", "https://kms.example.org", "http://127.0.0.1:5000", "http://localhost:5000"]
)
def test_a_kms_endpoint_is_accepted(address: str) -> None:
    assert parse_kms_endpoint(address) == address


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
def test_an_invalid_kms_endpoint_is_refused(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AWS_KMS_ENDPOINT") as raised:
        parse_kms_endpoint(address)
    assert "planted" not in str(raised.value)

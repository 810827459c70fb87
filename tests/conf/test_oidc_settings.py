"""The OIDC settings: all or none, and each refusal names the setting and never the secret."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.oidc_settings import is_valid_provider_url, parse_oidc_settings

VALID_SETTINGS = (
    "https://login.example.org/realms/one/",
    "panel",
    "planted-secret",
    "Example Login",
)
SETTING_NAMES = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME")


def test_all_oidc_settings_are_accepted_and_none_means_off() -> None:
    assert parse_oidc_settings(*VALID_SETTINGS) == VALID_SETTINGS
    assert parse_oidc_settings("", "", "", "single sign-on") == ("", "", "", "single sign-on")


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_an_incomplete_set_of_oidc_settings_names_the_missing_one(missing: int) -> None:
    values = [value if position != missing else "" for position, value in enumerate(VALID_SETTINGS)]
    with pytest.raises(
        ImproperlyConfigured, match=f"^{SETTING_NAMES[missing]} is not set"
    ) as raised:
        parse_oidc_settings(*values)
    assert "planted" not in str(raised.value)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example.org",
        "login.example.org",
        "ftp://login.example.org",
        "https://",
        "https://user:planted@login.example.org",
        "https://login.example.org/?a=b",
        "https://login.example.org/#a",
        "https://login.example.org/a b",
        "https://login.example.org\\@evil.example",
        "https://login.example.org:port",
        "https://login.example.org/" + "a" * 200,
    ],
)
def test_an_invalid_issuer_is_refused(issuer: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^OIDC_ISSUER must be") as raised:
        parse_oidc_settings(issuer, *VALID_SETTINGS[1:])
    assert "planted" not in str(raised.value)


@pytest.mark.parametrize("issuer", ["http://localhost:8080/realms/one", "http://127.0.0.1:9"])
def test_an_http_issuer_is_accepted_on_loopback(issuer: str) -> None:
    assert parse_oidc_settings(issuer, *VALID_SETTINGS[1:])[0] == issuer


@pytest.mark.parametrize(
    ("position", "value"), [(1, "pa\nnel"), (2, "planted\x00"), (3, ""), (3, "x" * 61), (3, "a\nb")]
)
def test_an_invalid_oidc_setting_is_refused_by_its_name(position: int, value: str) -> None:
    values = [
        value if index == position else valid_value
        for index, valid_value in enumerate(VALID_SETTINGS)
    ]
    with pytest.raises(ImproperlyConfigured, match=f"^{SETTING_NAMES[position]} ") as raised:
        parse_oidc_settings(*values)
    assert "planted" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "allow_loopback_http", "is_valid"),
    [
        ("https://a.example/x?y=z", False, True),
        ("http://127.0.0.1/x", False, False),
        ("http://127.0.0.1/x", True, True),
        ("http://10.0.0.1/x", True, False),
        (None, True, False),
        ("https://[::1", False, False),
    ],
)
def test_provider_urls_need_https_or_an_allowed_loopback_host(
    url: object, allow_loopback_http: bool, is_valid: bool
) -> None:
    assert is_valid_provider_url(url, allow_loopback_http=allow_loopback_http) is is_valid

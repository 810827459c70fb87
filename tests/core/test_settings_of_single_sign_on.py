"""OIDC_…: all or nothing, and each refusal names the setting and never the secret."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.core.single_sign_on import address_is_good, oidc

GOOD = ("https://login.example.org/realms/one/", "panel", "planted-secret", "Example Login")
NAMES = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME")


def test_all_of_it_is_taken_as_it_stands_and_none_means_off() -> None:
    assert oidc(*GOOD) == GOOD
    assert oidc("", "", "", "single sign-on") == ("", "", "", "single sign-on")


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_half_of_it_is_refused_by_the_name_of_what_is_missing(missing: int) -> None:
    given = [value if place != missing else "" for place, value in enumerate(GOOD)]
    with pytest.raises(ImproperlyConfigured, match=f"^{NAMES[missing]} is not set") as refused:
        oidc(*given)
    assert "planted" not in str(refused.value)


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
def test_an_issuer_that_is_none(issuer: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^OIDC_ISSUER must be") as refused:
        oidc(issuer, *GOOD[1:])
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize("issuer", ["http://localhost:8080/realms/one", "http://127.0.0.1:9"])
def test_http_is_for_this_machine(issuer: str) -> None:
    assert oidc(issuer, *GOOD[1:])[0] == issuer


@pytest.mark.parametrize(
    ("place", "value"), [(1, "pa\nnel"), (2, "planted\x00"), (3, ""), (3, "x" * 61), (3, "a\nb")]
)
def test_values_that_were_pasted_wrongly(place: int, value: str) -> None:
    given = [value if here == place else one for here, one in enumerate(GOOD)]
    with pytest.raises(ImproperlyConfigured, match=f"^{NAMES[place]} ") as refused:
        oidc(*given)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "plain", "good"),
    [
        ("https://a.example/x?y=z", False, True),
        ("http://127.0.0.1/x", False, False),
        ("http://127.0.0.1/x", True, True),
        ("http://10.0.0.1/x", True, False),
        (None, True, False),
        ("https://[::1", False, False),
    ],
)
def test_addresses_of_a_provider(url: object, plain: bool, good: bool) -> None:
    assert address_is_good(url, plain=plain) is good

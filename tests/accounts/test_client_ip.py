"""The client IP is that of the connection, unless trusted proxies stand between."""

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from freddy_admin.audit.services import client_ip


def client_ip_of_request(remote: str, forwarded: str | None = None) -> str | None:
    headers = {"x-forwarded-for": forwarded} if forwarded is not None else {}
    return client_ip(RequestFactory(REMOTE_ADDR=remote).get("/", headers=headers))


@pytest.mark.parametrize("forwarded", [None, "203.0.113.9", "203.0.113.9, 198.51.100.1", "rubbish"])
def test_forwarded_addresses_are_ignored_by_default(forwarded: str | None) -> None:
    assert client_ip_of_request("192.0.2.1", forwarded) == "192.0.2.1"


def test_one_proxy_of_ours_adds_the_last_address(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1

    assert client_ip_of_request("10.0.0.1", "203.0.113.9, 198.51.100.1") == "198.51.100.1"


def test_two_proxies_of_ours_add_the_last_two(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 2

    assert client_ip_of_request("10.0.0.1", "spoofed, 203.0.113.9, 10.0.0.2") == "203.0.113.9"


@pytest.mark.parametrize("forwarded", [None, "", "203.0.113.9", "rubbish, rubbish"])
def test_forwarded_header_with_too_few_hops_is_ignored(
    forwarded: str | None, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 2

    assert client_ip_of_request("10.0.0.1", forwarded) == "10.0.0.1"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("", None),
        ("unix:", None),
        ("::1", "::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_client_ip_is_normalized(remote: str, address: str | None) -> None:
    assert client_ip_of_request(remote) == address

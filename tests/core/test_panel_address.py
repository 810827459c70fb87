"""Where links in mails lead is the operator's word, and one of the hosts the panel answers to."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.core.configuration import panel_url


@pytest.mark.parametrize(
    ("hosts", "trial", "expected"),
    [
        (["panel.example.org", "other.example.org"], False, "https://panel.example.org"),
        ([".example.org"], False, "https://example.org"),
        (["localhost", "127.0.0.1"], True, "http://localhost:8000"),
        (["*"], True, "http://localhost:8000"),
    ],
)
def test_without_it_the_first_host_is_taken(hosts: list[str], trial: bool, expected: str) -> None:
    assert panel_url("", hosts=hosts, trial=trial) == expected


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("https://panel.example.org/", ["panel.example.org"]),
        ("https://a.example.org:8443", [".example.org"]),
        ("http://localhost:8001", ["localhost"]),
        ("http://[::1]:8000", ["[::1]"]),
    ],
)
def test_an_address_of_ours_is_taken(value: str, hosts: list[str]) -> None:
    assert panel_url(value, hosts=hosts, trial=False) == value.rstrip("/")


@pytest.mark.parametrize(
    "value",
    [
        "panel.example.org",
        "http://panel.example.org",
        "https://evil.example",
        "https://panel.example.org/path",
        "https://panel.example.org?x=1",
        "https://user@panel.example.org",
        "https://panel.example.org@evil.example",
        "https://panel.example.org\\@evil.example",
        "ftp://panel.example.org",
        "https://panel.example.org:port",
        "https://",
        "https://[",
    ],
)
def test_anything_else_is_refused_by_name(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PANEL_URL"):
        panel_url(value, hosts=["panel.example.org"], trial=False)

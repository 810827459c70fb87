"""PANEL_URL, to which links in mails lead, is one of the hosts that the panel answers to."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.setting_parsers import parse_panel_url


@pytest.mark.parametrize(
    ("hosts", "is_trial", "expected"),
    [
        (["panel.example.org", "other.example.org"], False, "https://panel.example.org"),
        ([".example.org"], False, "https://example.org"),
        (["localhost", "127.0.0.1"], True, "http://localhost:8000"),
        (["*"], True, "http://localhost:8000"),
    ],
)
def test_the_first_host_is_the_default_panel_url(
    hosts: list[str], is_trial: bool, expected: str
) -> None:
    assert parse_panel_url("", hosts=hosts, is_trial=is_trial) == expected


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("https://panel.example.org/", ["panel.example.org"]),
        ("https://a.example.org:8443", [".example.org"]),
        ("http://localhost:8001", ["localhost"]),
        ("http://[::1]:8000", ["[::1]"]),
        ("https://panel.example.org/freddy", ["panel.example.org"]),
        ("https://panel.example.org:8443/tools/freddy_1/", ["panel.example.org"]),
    ],
)
def test_a_panel_url_with_an_allowed_host_is_accepted(value: str, hosts: list[str]) -> None:
    assert parse_panel_url(value, hosts=hosts, is_trial=False) == value.rstrip("/")


@pytest.mark.parametrize(
    "value",
    [
        "panel.example.org",
        "http://panel.example.org",
        "https://evil.example",
        "https://panel.example.org//path",
        "https://panel.example.org/../path",
        "https://panel.example.org/a/./b",
        "https://panel.example.org/pa th",
        "https://panel.example.org/p%61th",
        "https://panel.example.org/päth",
        "https://panel.example.org/path;x",
        "https://panel.example.org/path#x",
        "https://panel.example.org/.hidden",
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
def test_an_invalid_panel_url_is_refused_by_name(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PANEL_URL"):
        parse_panel_url(value, hosts=["panel.example.org"], is_trial=False)

"""Settings where a slip of the pen must not switch something off, or let something in."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.core import configuration as conf
from tests.core.test_settings_are_refused_by_name import Given


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("ON", True), ("1", True), ("false", False), ("No", False), ("", False)],
)
def test_a_flag_is_a_yes_or_a_no(text: str, value: bool) -> None:
    assert conf.flag("DEBUG", Given(DEBUG=text), default=False) is value


@pytest.mark.parametrize("name", ["DEBUG", "PLAIN_HTTP"])
def test_a_flag_that_is_neither_is_refused(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        conf.flag(name, Given(**{name: "maybe"}), default=False)


@pytest.mark.parametrize(
    "value",
    ["panel.example.org", "https://a.example/path", "ftp://a", "https://*", "https://u@a.example"],
)
def test_an_origin_without_its_scheme_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CSRF_TRUSTED_ORIGINS"):
        conf.origins(value)


def test_origins_with_their_scheme_are_taken() -> None:
    given = "https://a.example, http://localhost:8000,https://*.b.example,http://[::1]:8000"
    assert conf.origins(given) == [
        "https://a.example",
        "http://localhost:8000",
        "https://*.b.example",
        "http://[::1]:8000",
    ]
    assert conf.origins("") == []


@pytest.mark.parametrize(
    "value",
    ["*", "panel.example.org,*", "", " , ", "https://a.example", "a.example:443", "a.example/x"],
)
def test_hosts_that_are_all_or_none_are_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
        conf.allowed_hosts(value, debug=False)


def test_hosts_are_names_and_addresses() -> None:
    given = "panel.example.org, .example.org,web_1,127.0.0.1,[::1],::1,localhost"
    assert len(conf.allowed_hosts(given, debug=False)) == 7


def test_while_debugging_any_host_may_be_answered() -> None:
    assert conf.allowed_hosts("*", debug=True) == ["*"]
    assert conf.allowed_hosts("", debug=True) == []


@pytest.mark.parametrize("host", ["127.999.1.1", "0x7f000001", "127.1", "localhost.evil.example"])
def test_http_is_for_real_loopback_addresses_alone(host: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AITRONOS_API_BASE_URL"):
        conf.api_base_url(f"http://{host}")

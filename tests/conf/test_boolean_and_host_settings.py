"""Boolean, host and origin settings: a misspelt one switches nothing off and opens nothing."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf import setting_parsers as conf
from tests.conf.test_setting_parsers import EnvironmentFromValues


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("ON", True), ("1", True), ("false", False), ("No", False), ("", False)],
)
def test_parse_bool_accepts_the_usual_words_for_true_and_false(text: str, value: bool) -> None:
    assert conf.parse_bool("DEBUG", EnvironmentFromValues(DEBUG=text), default=False) is value


@pytest.mark.parametrize("name", ["DEBUG", "PLAIN_HTTP"])
def test_a_boolean_setting_refuses_any_other_word(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        conf.parse_bool(name, EnvironmentFromValues(**{name: "maybe"}), default=False)


@pytest.mark.parametrize(
    "value",
    ["panel.example.org", "https://a.example/path", "ftp://a", "https://*", "https://u@a.example"],
)
def test_a_csrf_origin_without_its_scheme_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CSRF_TRUSTED_ORIGINS"):
        conf.parse_csrf_trusted_origins(value, panel_url="https://p.example")


def test_csrf_origins_with_their_scheme_are_accepted() -> None:
    value = "https://a.example, http://localhost:8000,https://*.b.example,http://[::1]:8000"
    assert conf.parse_csrf_trusted_origins(value, panel_url="https://a.example") == [
        "https://a.example",
        "http://localhost:8000",
        "https://*.b.example",
        "http://[::1]:8000",
    ]


@pytest.mark.parametrize(
    ("panel_url", "origin"),
    [
        ("https://panel.example.org", "https://panel.example.org"),
        ("https://Panel.example.org:8443/below", "https://panel.example.org:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_the_panels_own_origin_is_trusted_with_its_port(panel_url: str, origin: str) -> None:
    assert conf.parse_csrf_trusted_origins("", panel_url=panel_url) == [origin]


@pytest.mark.parametrize(
    "value",
    ["*", "panel.example.org,*", "", " , ", "https://a.example", "a.example:443", "a.example/x"],
)
def test_allowed_hosts_refuse_a_star_an_empty_list_and_addresses(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
        conf.parse_allowed_hosts(value, debug=False)


def test_allowed_hosts_accept_names_and_ip_addresses() -> None:
    value = "panel.example.org, .example.org,web_1,127.0.0.1,[::1],::1,localhost"
    assert len(conf.parse_allowed_hosts(value, debug=False)) == 7


def test_allowed_hosts_accept_a_star_while_debugging() -> None:
    assert conf.parse_allowed_hosts("*", debug=True) == ["*"]
    assert conf.parse_allowed_hosts("", debug=True) == []


@pytest.mark.parametrize("host", ["127.999.1.1", "0x7f000001", "127.1", "localhost.evil.example"])
def test_api_base_url_accepts_http_for_real_loopback_addresses_alone(host: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AITRONOS_API_BASE_URL"):
        conf.parse_api_base_url(f"http://{host}")

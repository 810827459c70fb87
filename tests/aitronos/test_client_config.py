"""The base URL is an https origin (http on loopback alone); keys must fit into a header."""

import pytest

from freddy_admin.aitronos.client import ClientConfig
from freddy_admin.aitronos.client_config import InvalidSecret, validate_secret


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.aitronos.com",
        "https://api.aitronos.com/",
        "https://staging-api.aitronos.com/some/path",
        "https://10.0.0.1:8443",
        "https://[2001:db8::1]",
        "HTTPS://API.AITRONOS.COM",
        "https://xn--bcher-kva.example",
        "http://localhost:9000",
        "http://127.0.0.1:9000",
        "http://127.8.9.10",
        "http://[::1]:9000",
    ],
)
def test_base_url_may_be_https_anywhere_and_http_on_loopback(base_url: str) -> None:
    assert ClientConfig(base_url).base_url == base_url


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        ("", "begin with https://"),
        ("api.aitronos.com", "begin with https://"),
        ("//api.aitronos.com", "begin with https://"),
        ("file:///etc/passwd", "begin with https://"),
        ("gopher://127.0.0.1", "begin with https://"),
        ("ftp://api.aitronos.com", "begin with https://"),
        ("https://", "name a host"),
        ("https:///path", "name a host"),
        ("https://:443", "name a host"),
        ("http://api.aitronos.com", "http is for loopback"),
        ("http://localhost.example", "http is for loopback"),
        ("http://127.0.0.1.example", "http is for loopback"),
        ("http://2130706433", "http is for loopback"),
        ("http://0x7f000001", "http is for loopback"),
        ("http://127.1", "http is for loopback"),
        ("http://169.254.169.254", "http is for loopback"),
        ("http://0.0.0.0", "http is for loopback"),
        ("http://[::ffff:10.0.0.1]", "http is for loopback"),
        ("https://me@api.aitronos.com", "user name"),
        ("https://me:secret@api.aitronos.com", "user name"),
        ("https://@api.aitronos.com", "user name"),
        ("https://api.aitronos.com?x=1", "query"),
        ("https://api.aitronos.com/?", "query"),
        ("https://api.aitronos.com/#x", "fragment"),
        ("https://api.aitronos.com#", "fragment"),
        ("https://api.aitronos.com\\@evil.example", "user name"),
        ("https://api.aitronos.com\\evil", "plain ASCII"),
        ("https://api.aitronos.com/ x", "plain ASCII"),
        (" https://api.aitronos.com", "plain ASCII"),
        ("https://api.aitronos.com\n", "plain ASCII"),
        ("https://api.aitronos.com/\x00", "plain ASCII"),
        ("https://b\u00fccher.example", "plain ASCII"),
        ("https://\u24d4vil.example", "plain ASCII"),
        ("https://api.aitronos.com:port", "port"),
        ("https://api.aitronos.com:99999", "port"),
        ("https://api.aitronos.com:0", "port"),
        ("https://api.aitronos.com:", "port"),
        ("https://[::1", "cannot be read"),
        ("https://api%00.aitronos.com", "cannot be one"),
        ("https://api..aitronos.com", "cannot be one"),
        ("https://-api.aitronos.com", "cannot be one"),
        ("https://.", "cannot be one"),
    ],
)
def test_any_other_base_url_is_refused_with_the_problem(base_url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as excinfo:
        ClientConfig(base_url)
    assert "secret" not in str(excinfo.value)


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "total_timeout"])
@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_timeouts_must_be_positive(name: str, seconds: float) -> None:
    with pytest.raises(ValueError, match=name):
        ClientConfig("https://api.aitronos.com", **{name: seconds})


@pytest.mark.parametrize("name", ["", "X Key", "X-Key:", "X\r\nY", "\u00e4"])
def test_key_header_must_be_a_header_name(name: str) -> None:
    with pytest.raises(ValueError, match="header"):
        ClientConfig("https://api.aitronos.com", api_key_headers=(name,))


@pytest.mark.parametrize("names", [(), ("api-key", "API-Key"), ("api-key", "X Key")])
def test_key_headers_are_at_least_one_and_each_once(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="header"):
        ClientConfig("https://api.aitronos.com", api_key_headers=names)


@pytest.mark.parametrize("agent", ["a\r\nX: y", "\u00e4"])
def test_user_agent_must_fit_into_a_header(agent: str) -> None:
    with pytest.raises(ValueError, match="user agent"):
        ClientConfig("https://api.aitronos.com", user_agent=agent)


def test_total_timeout_defaults_to_one_connect_and_two_reads() -> None:
    config = ClientConfig("https://api.aitronos.com", connect_timeout=2, read_timeout=3)
    assert (
        config.total_timeout_for(),
        config.total_timeout_for(120),
    ) == (8, 122)
    assert ClientConfig("https://api.aitronos.com", total_timeout=4).total_timeout_for() == 4


@pytest.mark.parametrize("text", ["k", "oak_live_" + "x" * 54, "!~", "x" * 512, " \t\nkey\r\n "])
def test_key_of_any_form_is_accepted(text: str) -> None:
    assert validate_secret(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("x" * 513, "too_long"),
        ("a b", "characters"),
        ("a\tb", "characters"),
        ("a\r\nX: y", "characters"),
        ("a\x00", "characters"),
        ("a\x7f", "characters"),
        ("a\u2019", "characters"),
        ("\ufeffkey", "characters"),
        ("a\u00a0b", "characters"),
    ],
)
def test_unsendable_secret_is_refused_without_being_quoted(text: str, reason: str) -> None:
    with pytest.raises(InvalidSecret) as excinfo:
        validate_secret(text)
    error = excinfo.value
    assert (error.detail, error.args) == (reason, ("invalid_secret",))
    assert not error.request_sent

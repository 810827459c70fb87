"""The address of a proxy, as the operator writes it."""

import re

import pytest

from freddy_admin.outbound.proxy import parse_proxy


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://proxy.example.org:3128", "proxy.example.org", 3128),
        ("http://Proxy.Example.org:3128/", "proxy.example.org", 3128),
        ("http://10.0.0.7:80", "10.0.0.7", 80),
        ("http://[::1]:3128", "::1", 3128),
        ("http://freddy:secret@proxy:8080", "proxy", 8080),
    ],
)
def test_setting_of_a_proxy_is_parsed(text: str, host: str, port: int) -> None:
    proxy = parse_proxy(text)
    assert (proxy.host, proxy.port) == (host, port)
    assert bool(proxy.authorization) is ("@" in text)


def test_credentials_are_decoded_and_never_shown() -> None:
    proxy = parse_proxy("http://us%40er:se%3Acr%C3%A9t@proxy:8080")
    assert proxy.authorization == "Basic dXNAZXI6c2U6Y3LDqXQ="
    assert not re.search("cr|Basic|dXN", f"{proxy} {proxy!r}")


@pytest.mark.parametrize(
    "text",
    [
        "https://proxy:3128",
        "socks5://proxy:1080",
        "proxy:3128",
        "http://proxy",
        "http://proxy:0",
        "http://proxy:99999",
        "http://proxy:3128/path",
        "http://proxy:3128?x",
        "http://:3128",
        "http://pro xy:3128",
        "http://user:pass word@proxy:3128",
        "http://user:secret@",
        "http://user:secret@proxy..example:1",
        "http://[::1:3128",
        "http://[x]:3128",
    ],
)
def test_setting_that_names_no_proxy_is_refused_without_its_words(text: str) -> None:
    with pytest.raises(ValueError) as excinfo:  # noqa: PT011  its text is what is looked at
        parse_proxy(text)
    assert "secret" not in str(excinfo.value)
    assert excinfo.value.__cause__ is None

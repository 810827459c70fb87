"""Which URLs a person may enter to send requests to (drill S5): public hosts, over https."""

# ruff: noqa: RUF001  letters that look like others are the point

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.outbound.guard import (
    OutboundUrl,
    UrlRefused,
    is_public_address,
    parse_allowed_hosts,
    parse_outbound_url,
)

HOSTILE_URLS = [
    # schemes
    "http://hooks.example.org/",
    "file:///etc/passwd",
    "gopher://hooks.example.org/",
    "ftp://hooks.example.org/",
    "dict://hooks.example.org:443/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "//hooks.example.org/",
    "hooks.example.org",
    "https:hooks.example.org",
    "https:/hooks.example.org/",
    "https:///hooks.example.org/",
    "https://",
    "",
    " https://hooks.example.org/",
    "https://hooks.example.org/ ",
    "jar:https://hooks.example.org/!/",
    # loopback, in every way of writing it
    "https://localhost/",
    "https://LOCALHOST/",
    "https://a.localhost/",
    "https://localhost.localdomain/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1.:443/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    # link-local and the clouds' own
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://metadata.google.internal/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    # private and reserved
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://192.0.2.1/",
    "https://203.0.113.9/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    # IPv4 inside IPv6
    "https://[2002:7f00:1::]/",
    "https://[2002:a00:1::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[2001:db8::1]/",
    # names that are nobody's
    "https://printer/",
    "https://printer.local/",
    "https://wiki.corp/",
    "https://router.lan/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://hidden.onion/",
    "https://hooks.example.org./",
    "https://-a.example.org/",
    "https://a..example.org/",
    "https://" + "a" * 64 + ".example.org/",
    "https://" + "a." * 130 + "org/",
    # two readings of one text
    "https://user@hooks.example.org/",
    "https://user:pw@hooks.example.org/",
    "https://hooks.example.org@127.0.0.1/",
    "https://127.0.0.1\\@hooks.example.org/",
    "https://hooks.example.org\\.evil.example/",
    "https://hooks.example.org%00.evil.example/",
    "https://hooks.example.org%2f@127.0.0.1/",
    "https://%6c%6f%63%61%6c%68%6f%73%74/",
    "https://hooks.example.org\r\nHost: evil.example/",
    "https://hooks.example.org\t/",
    "https://hooks.example.org/\x00",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://１２７.０.０.１/",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "https://hооks.example.org/",
    "https://[::1/",
    "https://::1]/",
    "https://[127.0.0.1]/",
    "https://[v1.x]/",
    # ports
    "https://hooks.example.org:22/",
    "https://hooks.example.org:25/",
    "https://hooks.example.org:6379/",
    "https://hooks.example.org:80/",
    "https://hooks.example.org:0/",
    "https://hooks.example.org:65536/",
    "https://hooks.example.org:-1/",
    "https://hooks.example.org:/",
    "https://hooks.example.org:443:22/",
    "https://hooks.example.org:４４３/",
    "https://hooks.example.org/" + "a" * 2_000,
]


def test_the_list_of_hostile_urls_is_as_large_as_the_drill_asks() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 60


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as raised:
        parse_outbound_url(url)
    assert str(raised.value) == raised.value.reason


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("https://hooks.example.org", OutboundUrl("hooks.example.org", 443, "/")),
        ("https://Hooks.Example.ORG/a?b=c#d", OutboundUrl("hooks.example.org", 443, "/a?b=c")),
        ("https://hooks.example.org:8443/x", OutboundUrl("hooks.example.org", 8443, "/x")),
        ("https://xn--bcher-kva.example/", OutboundUrl("xn--bcher-kva.example", 443, "/")),
        ("https://93.184.216.34/", OutboundUrl("93.184.216.34", 443, "/")),
        ("https://[2606:2800:220:1::1]/", OutboundUrl("2606:2800:220:1::1", 443, "/")),
        ("https://_x.example.org/%2e%2e/", OutboundUrl("_x.example.org", 443, "/%2e%2e/")),
    ],
)
def test_a_public_url_is_accepted(url: str, parsed: OutboundUrl) -> None:
    assert parse_outbound_url(url) == parsed


@given(st.ip_addresses())
def test_no_address_that_python_calls_private_is_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public_address(str(address))


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_inside_ipv6_is_public(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    high, low = number >> 16, number & 0xFFFF
    for text in (
        f"::ffff:{address}",
        f"::{address}",
        f"::ffff:0:{address}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{address}",
        f"2002:{high:x}:{low:x}::1",
        f"2001:0:{high:x}:{low:x}::1",
    ):
        assert not is_public_address(text), text


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4.5", "fe80::1%eth0", "2606::1%1"])
def test_an_invalid_address_is_not_public(text: str) -> None:
    assert not is_public_address(text)


ALLOWED = parse_allowed_hosts("Hooks.Intranet.corp, 10.0.0.7:8080,127.0.0.1:9000, [::1]:9000, ")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://hooks.intranet.corp/a?b", "https://hooks.intranet.corp:443/a?b"),
        ("https://HOOKS.intranet.corp:9443", "https://hooks.intranet.corp:9443/"),
        ("https://10.0.0.7:8080/", "https://10.0.0.7:8080/"),
        ("https://127.0.0.1:9000/x", "https://127.0.0.1:9000/x"),
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x"),
        ("http://[::1]:9000/", "http://[::1]:9000/"),
    ],
)
def test_a_host_that_the_operator_allows_is_accepted(url: str, text: str) -> None:
    parsed = parse_outbound_url(url, allowed_hosts=ALLOWED)
    assert (str(parsed), parsed.is_allowed) == (text, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.intranet.corp/",  # plain http is for this machine alone
        "http://10.0.0.7:8080/",
        "https://10.0.0.7/",  # another port
        "https://127.0.0.1:9001/",
        "https://[::2]:9000/",
        "https://x.hooks.intranet.corp/",
        "https://hooks.intranet.corp.example.lan/",
        "https://user@hooks.intranet.corp/",
        "https://hooks.intranet.corp:/",
        "https://hooks.intranet.corp./",
        "ftp://hooks.intranet.corp/",
        "http:127.0.0.1:9000",
        *HOSTILE_URLS,
    ],
)
def test_allowed_hosts_let_nothing_else_in(url: str) -> None:
    with pytest.raises(UrlRefused):
        parse_outbound_url(url, allowed_hosts=ALLOWED)


def test_allowed_hosts_are_named_as_they_were_written() -> None:
    assert str(ALLOWED) == "10.0.0.7:8080, 127.0.0.1:9000, [::1]:9000, hooks.intranet.corp"
    assert str(parse_allowed_hosts("")) == ""


@pytest.mark.parametrize(
    "text", ["https://a.example", "a b", "a..b", "a:0", "a:70000", "a:x", "[::1", "::1", "*.a", "@"]
)
def test_an_allowed_host_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        parse_allowed_hosts(f"good.example,{text}")

"""OUTBOUND_CA_FILE, OUTBOUND_PROXY and OUTBOUND_ALLOWED_HOSTS stop the start when they are bad."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.outbound_settings import (
    parse_ca_file,
    parse_outbound_allowed_hosts,
    parse_outbound_proxy,
)
from tests.aitronos.certificates import CertificateAuthority


def test_settings_of_the_way_out_are_off_where_they_are_empty() -> None:
    assert parse_ca_file(" ") == ""
    assert parse_outbound_proxy("") is None
    assert str(parse_outbound_allowed_hosts("")) == ""


def test_good_settings_of_the_way_out_are_taken(tmp_path: Path) -> None:
    ca_file = CertificateAuthority(tmp_path).ca_file
    assert parse_ca_file(ca_file) == ca_file
    assert str(parse_outbound_proxy("http://freddy:pw@proxy.example:3128")) == "proxy.example:3128"
    assert parse_outbound_allowed_hosts("a.example, b:8443").allow("b", 8443)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "does not exist"),
        ("", "holds no certificate"),
        ("no certificate", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n", "holds no certificate"),
    ],
)
def test_file_of_authorities_that_is_none_is_refused(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ImproperlyConfigured, match=f"OUTBOUND_CA_FILE .*{problem}"):
        parse_ca_file(str(path))


def test_folder_is_no_file_of_authorities(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="OUTBOUND_CA_FILE"):
        parse_ca_file(str(tmp_path))


@pytest.mark.parametrize(
    "value",
    [
        "proxy.example:3128",
        "socks5://freddy:planted@proxy.example:1080",
        "http://freddy:planted@proxy.example",
        "http://freddy:planted@proxy.example:3128/path",
        "http://freddy:planted@proxy.example:99999",
        "http://freddy:planted planted@proxy.example:3128",
        "http://freddy:planted@x/@[proxy:3128",
    ],
)
def test_bad_proxy_is_refused_without_its_password(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="OUTBOUND_PROXY") as excinfo:
        parse_outbound_proxy(value)
    assert "planted" not in str(excinfo.value)
    assert (excinfo.value.__cause__, excinfo.value.__context__) == (None, None)


@pytest.mark.parametrize("value", ["https://a.example", "a b", "a:0", "a/x", "*"])
def test_bad_allowed_host_is_refused_by_name(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="OUTBOUND_ALLOWED_HOSTS"):
        parse_outbound_allowed_hosts(value)

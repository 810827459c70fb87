"""The operator's authorities are trusted beside the public ones, by every call."""

import ssl
from pathlib import Path

import certifi
import pytest

from freddy_admin.outbound.errors import TransportFailure
from freddy_admin.outbound.exchange import HttpTransport
from freddy_admin.outbound.tls import count_certificates, create_tls_context
from tests.aitronos.certificates import CertificateAuthority
from tests.aitronos.conftest import StartServer
from tests.aitronos.scripted_server import respond_in_turn, response_bytes
from tests.outbound.conftest import exchange, exchange_error


def test_private_authority_is_trusted_where_the_operator_says_so(
    start_server: StartServer, authority: CertificateAuthority
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    assert exchange(HttpTransport(ca_file=authority.ca_file), server.base_url).status == 200
    error = exchange_error(HttpTransport(), server.base_url)
    assert (error.kind, error.request_sent) == (TransportFailure.TLS, False)


def test_public_authorities_stay_trusted(authority: CertificateAuthority) -> None:
    public = count_certificates(certifi.where())
    assert public > 50
    assert create_tls_context().cert_store_stats()["x509"] == public
    assert create_tls_context(authority.ca_file).cert_store_stats()["x509"] == public + 1


def test_several_authorities_may_stand_in_one_file(
    start_server: StartServer, authority: CertificateAuthority, tmp_path: Path
) -> None:
    other = CertificateAuthority(tmp_path, "another")
    both = tmp_path / "both.pem"
    both.write_text(Path(other.ca_file).read_text() + Path(authority.ca_file).read_text())
    assert count_certificates(str(both)) == 2
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    assert exchange(HttpTransport(ca_file=str(both)), server.base_url).status == 200


def test_file_that_cannot_be_used_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        HttpTransport(ca_file=str(tmp_path / "missing.pem"))
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(ssl.SSLError):
        HttpTransport(ca_file=str(tmp_path / "empty.pem"))

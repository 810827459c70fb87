"""What `doctor` says of the way out: authorities, proxy, allowed hosts."""

from pathlib import Path
from typing import Any

import pytest

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.core.network import http_transport
from freddy_admin.ops.doctor import DoctorFinding, doctor_checks_run
from freddy_admin.outbound.guard import parse_allowed_hosts
from freddy_admin.outbound.proxy import parse_proxy
from tests.aitronos.certificates import CertificateAuthority
from tests.aitronos.scripted_server import respond_once
from tests.outbound.conftest import StartProxy
from tests.outbound.conftest import start_proxy as start_proxy

pytestmark = pytest.mark.django_db


def outbound_finding() -> DoctorFinding:
    return next(finding for finding in doctor_checks_run() if finding.part == "outbound")


def test_doctor_says_that_calls_go_out_directly() -> None:
    finding = outbound_finding()
    assert finding.ok
    assert "without a proxy" in finding.sentence


def test_doctor_counts_the_certificates_that_are_trusted(settings: Any, tmp_path: Path) -> None:
    first, second = CertificateAuthority(tmp_path, "a"), CertificateAuthority(tmp_path, "b")
    both = tmp_path / "both.pem"
    both.write_text(Path(first.ca_file).read_text() + Path(second.ca_file).read_text())
    settings.OUTBOUND_CA_FILE = str(both)
    finding = outbound_finding()
    assert finding.ok
    assert f"{both}" in finding.sentence
    assert finding.sentence.endswith(": 2.")


def test_doctor_names_a_file_of_authorities_that_is_gone(settings: Any, tmp_path: Path) -> None:
    settings.OUTBOUND_CA_FILE = str(tmp_path / "gone.pem")
    finding = outbound_finding()
    assert not finding.ok
    assert "OUTBOUND_CA_FILE" in finding.sentence
    assert "gone.pem" in finding.sentence


def test_doctor_has_the_proxy_connect_us_with_the_api(
    settings: Any, start_proxy: StartProxy
) -> None:
    api, proxy = start_proxy(lambda _: None), start_proxy(credentials="freddy:planted")
    settings.AITRONOS_API_BASE_URL = f"https://127.0.0.1:{api.port}"
    settings.OUTBOUND_PROXY = parse_proxy(f"http://freddy:planted@127.0.0.1:{proxy.port}")
    finding = outbound_finding()
    assert finding.ok, finding.sentence
    assert finding.sentence.startswith(f"OUTBOUND_PROXY: 127.0.0.1:{proxy.port} connects us")
    assert "planted" not in finding.sentence
    assert proxy.targets[0] == f"127.0.0.1:{api.port}"


def test_doctor_has_the_proxy_connect_us_with_each_environment(
    settings: Any, start_proxy: StartProxy
) -> None:
    api, staging, proxy = start_proxy(lambda _: None), start_proxy(lambda _: None), start_proxy()
    settings.AITRONOS_API_BASE_URL = f"https://127.0.0.1:{api.port}"
    settings.AITRONOS_ENVIRONMENTS = tuple(
        ApiEnvironment(name, f"https://127.0.0.1:{staging.port}/{name}", ("X-API-Key",))
        for name in ("staging", "same-host")
    )
    settings.OUTBOUND_PROXY = parse_proxy(f"http://127.0.0.1:{proxy.port}")
    finding = outbound_finding()
    assert finding.ok, finding.sentence
    assert proxy.targets == [f"127.0.0.1:{api.port}", f"127.0.0.1:{staging.port}"]


def test_doctor_names_a_proxy_that_refuses(settings: Any, start_proxy: StartProxy) -> None:
    proxy = start_proxy(respond_once(b"HTTP/1.1 407 Who\r\n\r\n"))
    settings.AITRONOS_API_BASE_URL = "https://api.example"
    settings.OUTBOUND_PROXY = parse_proxy(f"http://freddy:planted@127.0.0.1:{proxy.port}")
    settings.OUTBOUND_ALLOWED_HOSTS = parse_allowed_hosts("hooks.intranet.corp")
    finding = outbound_finding()
    assert not finding.ok
    assert "status 407" in finding.sentence
    assert "hooks.intranet.corp" in finding.sentence
    assert "planted" not in finding.sentence + repr(vars(http_transport()))

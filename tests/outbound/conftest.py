"""A scripted server, clients of it, a private authority and proxies."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from freddy_admin.outbound.deadline import Deadline
from freddy_admin.outbound.errors import TransportError
from freddy_admin.outbound.exchange import (
    ExchangeLimits,
    HttpTransport,
    RawResponse,
    prepare_request,
)
from tests.aitronos.certificates import CertificateAuthority
from tests.aitronos.conftest import limits as limits
from tests.aitronos.conftest import make_client as make_client
from tests.aitronos.conftest import recorded_waits as recorded_waits
from tests.aitronos.conftest import start_server as start_server
from tests.aitronos.scripted_server import Script
from tests.outbound.connect_proxy import ConnectProxy

LIMITS = ExchangeLimits(connect_timeout=5, read_timeout=5, max_body_bytes=100_000)

StartProxy = Callable[..., ConnectProxy]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def start_proxy() -> Iterator[StartProxy]:
    """Start proxies, of a script or honest ones; they are closed with the test."""
    proxies: list[ConnectProxy] = []

    def start_one(script: Script | None = None, **options: Any) -> ConnectProxy:
        proxies.append(ConnectProxy(script, **options))
        return proxies[-1]

    yield start_one
    for proxy in proxies:
        proxy.close()


def exchange(
    transport: HttpTransport, url: str, *, seconds: float = 9.0, **options: Any
) -> RawResponse:
    """POST "{}" to this URL."""
    request = prepare_request("POST", url, headers={}, body=b"{}")
    arguments = {"deadline": Deadline(seconds), "limits": LIMITS} | options
    return transport.exchange(request, **arguments)


def exchange_error(transport: HttpTransport, url: str, **options: Any) -> TransportError:
    """The error that this exchange ends in."""
    with pytest.raises(TransportError) as excinfo:
        exchange(transport, url, **options)
    return excinfo.value

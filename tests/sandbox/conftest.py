"""One sandbox server per test file, on a clock that stands still, and a request function."""

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer

NOON = datetime(2025, 11, 15, 12, 0, tzinfo=UTC)
STATUS_PATH = "/v1/admin/composio/sync/status"
TRIGGER_SYNC_PATH = "/v1/admin/composio/sync"
QUICK_OPTIONS = SandboxOptions(
    slow_seconds=0.02, drip_seconds=0.0001, sync_seconds=0, rate_limit=None
)


@dataclass(frozen=True)
class SandboxReply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


AskSandbox = Callable[..., SandboxReply]


def send_request(
    base_url: str,
    path: str = STATUS_PATH,
    *,
    key: str | None = None,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 5,
) -> SandboxReply:
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    all_headers = dict(headers or {}) | ({} if key is None else {"X-API-Key": key})
    try:
        connection.request(method, path, body=body, headers=all_headers)
        response = connection.getresponse()
        return SandboxReply(response.status, response.headers, response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=QUICK_OPTIONS) as sandbox_server:
        yield sandbox_server


@pytest.fixture
def ask_sandbox(server: SandboxServer) -> AskSandbox:
    def ask_sandbox(path: str = STATUS_PATH, **options: Any) -> SandboxReply:
        return send_request(server.base_url, path, **options)

    return ask_sandbox

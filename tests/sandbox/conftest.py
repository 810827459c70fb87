"""One imitation per test file, on a clock that stands still, and a plain way to ask it."""

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.server import SandboxServer

NOON = datetime(2025, 11, 15, 12, 0, tzinfo=UTC)
STATUS = "/v1/admin/composio/sync/status"
TRIGGER = "/v1/admin/composio/sync"
QUICK = SandboxOptions(slow_seconds=0.02, drip_seconds=0.0001, sync_seconds=0, rate_limit=None)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


Ask = Callable[..., Reply]


def ask_at(
    base_url: str,
    path: str = STATUS,
    *,
    key: str | None = None,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 5,
) -> Reply:
    where = urlsplit(base_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=timeout)
    sent = dict(headers or {}) | ({} if key is None else {"X-API-Key": key})
    try:
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=QUICK) as running:
        yield running


@pytest.fixture
def ask(server: SandboxServer) -> Ask:
    def ask(path: str = STATUS, **how: Any) -> Reply:
        return ask_at(server.base_url, path, **how)

    return ask

"""The client of the Aitronos API: typed values in and out, a limit on everything, any thread."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
from requests.models import PreparedRequest

from freddy_admin.aitronos import parsing
from freddy_admin.aitronos.config import ClientConfig
from freddy_admin.aitronos.connections import CALL, KeyAdapter, Pools, tls_context
from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.aitronos.errors import AitronosError, FailureKind, InvalidSecret
from freddy_admin.aitronos.failures import ID_LENGTH, failure_of
from freddy_admin.aitronos.resolving import Resolver
from freddy_admin.aitronos.retry import wait_before_retry
from freddy_admin.aitronos.secrets import UnsendableSecret, secret_clean
from freddy_admin.aitronos.text import cleaned
from freddy_admin.aitronos.transport import Limits, RawAnswer, exchange
from freddy_admin.aitronos.types import Answer, CallInfo, Health, SyncStatus

Value = TypeVar("Value")
Parse = Callable[[dict[str, Any]], Value]
_HEALTH_POOL: Final = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes. Only a GET is ever sent twice."""

    method: str
    path: str
    read_timeout: float | None = None


SYNC_STATUS: Final = Route("GET", "/v1/admin/composio/sync/status")
HEALTH: Final = Route("GET", "/v1/health/")


class AitronosClient:
    """Calls the API. Raises AitronosError and nothing else; no error holds a key.

    `connection` names the pool a call may use: connections are kept per name and never handed to
    another, whatever the other side sends.
    """

    def __init__(  # noqa: PLR0913  its surroundings, all by name
        self,
        config: ClientConfig,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        share: Callable[[], float] = random.random,
        resolver: Resolver | None = None,
        ca_file: str | None = None,
    ) -> None:
        self.config = config
        self._clock, self._sleep, self._share = clock, sleep, share
        self._resolver = resolver or Resolver()
        secure = urlsplit(config.base_url).scheme == "https"
        context = tls_context(ca_file) if secure else None
        self._pools = Pools(lambda: KeyAdapter(context))
        self._prepared: dict[Route, PreparedRequest] = {}

    def get_sync_status(self, *, secret: str, connection: str) -> Answer[SyncStatus]:
        """*Get sync status* for one key."""
        return self._call(SYNC_STATUS, parsing.sync_status, secret=secret, connection=connection)

    def get_health(self) -> Answer[Health]:
        """The public health route: no key is sent."""
        return self._call(HEALTH, parsing.health, secret=None, connection=_HEALTH_POOL)

    def close(self) -> None:
        """Close idle connections."""
        self._pools.close()

    def _call(
        self, route: Route, parse: Parse[Value], *, secret: str | None, connection: str
    ) -> Answer[Value]:
        request = self._request(route, secret)
        deadline = Deadline(self.config.total)
        started = time.monotonic()
        attempt = 1
        while True:
            error: AitronosError
            try:
                raw, value = self._attempt(request, route, parse, connection, deadline)
                elapsed = (time.monotonic() - started) * 1000
                return Answer(value, _info(raw, elapsed_ms=elapsed, attempts=attempt))
            except AitronosError as failed:
                error = failed
            error.elapsed_ms, error.attempts = (time.monotonic() - started) * 1000, attempt
            wait = wait_before_retry(
                error,
                attempt=attempt,
                remaining=deadline.remaining,
                reused=CALL.reused,
                share=self._share(),
            )
            if wait is None or route.method != "GET":
                raise error
            self._sleep(wait)
            attempt += 1

    def _attempt(
        self,
        request: PreparedRequest,
        route: Route,
        parse: Parse[Value],
        connection: str,
        deadline: Deadline,
    ) -> tuple[RawAnswer, Value]:
        CALL.reused = False
        limits = Limits(
            connect=self.config.connect_timeout,
            read=route.read_timeout or self.config.read_timeout,
            body=self.config.max_body,
        )
        adapter = self._pools.take(connection)
        try:
            raw = exchange(
                adapter, request, deadline=deadline, resolver=self._resolver, limits=limits
            )
            value = self._understood(raw, parse)
        except AitronosError:
            # Anything out of the ordinary closes its connection.
            adapter.close()
            raise
        self._pools.give(connection, adapter)
        return raw, value

    def _understood(self, raw: RawAnswer, parse: Parse[Value]) -> Value:
        if raw.status != 200:
            raise failure_of(raw.status, raw.headers, raw.body, clock=self._clock)
        try:
            return parse(parsing.body_object(raw.headers, raw.body))
        except AitronosError as error:
            error.request_id = cleaned(raw.headers.get("x-request-id"), ID_LENGTH)
            raise

    def _request(self, route: Route, secret: str | None) -> PreparedRequest:
        request = self._prepare(route).copy()
        if secret is None:
            return request
        reason = ""
        try:
            request.headers[self.config.api_key_header] = secret_clean(secret)
        except UnsendableSecret as error:
            reason = error.reason
        if reason:
            raise InvalidSecret(FailureKind.INVALID_SECRET, detail=reason)
        return request

    def _prepare(self, route: Route) -> PreparedRequest:
        if route not in self._prepared:
            headers = {
                "Accept": "application/json",
                # Compressed answers could unfold to any size: we ask for none and take none.
                "Accept-Encoding": "identity",
                "User-Agent": self.config.user_agent,
            }
            url = self.config.base_url.rstrip("/") + route.path
            self._prepared[route] = requests.Request(route.method, url, headers=headers).prepare()
        return self._prepared[route]


def _info(raw: RawAnswer, *, elapsed_ms: float, attempts: int) -> CallInfo:
    headers: Mapping[str, str] = raw.headers
    return CallInfo(
        http_status=raw.status,
        request_id=cleaned(headers.get("x-request-id"), ID_LENGTH),
        trace_id=cleaned(headers.get("x-trace-id"), ID_LENGTH),
        organization_id=cleaned(headers.get("aitronos-organization"), ID_LENGTH),
        processing_ms=_number(headers.get("freddy-processing-ms")),
        elapsed_ms=elapsed_ms,
        attempts=attempts,
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


__all__ = ["AitronosClient", "ClientConfig"]

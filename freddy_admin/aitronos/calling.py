"""How any call of the API is made: with its limits, its attempts, and its own connections."""

import hashlib
import os
import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from requests.models import PreparedRequest

from freddy_admin.aitronos import parsing
from freddy_admin.aitronos.adapters import KeyAdapter, tls_context
from freddy_admin.aitronos.config import ClientConfig
from freddy_admin.aitronos.connections import CALL
from freddy_admin.aitronos.deadline import Deadline, MaySend
from freddy_admin.aitronos.errors import AitronosError, FailureKind, InvalidSecret
from freddy_admin.aitronos.failures import failure_of
from freddy_admin.aitronos.info import call_info, scrub, scrubbed
from freddy_admin.aitronos.pools import PoolName, Pools
from freddy_admin.aitronos.redaction import Redactor
from freddy_admin.aitronos.resolving import Resolver
from freddy_admin.aitronos.retry import wait_before_retry
from freddy_admin.aitronos.routes import Route, request_prepare
from freddy_admin.aitronos.secrets import UnsendableSecret, secret_clean
from freddy_admin.aitronos.text import header_id
from freddy_admin.aitronos.transport import Limits, RawAnswer, exchange
from freddy_admin.aitronos.types import Answer

Value = TypeVar("Value")
Parse = Callable[[dict[str, Any]], Value]


class Caller:
    """Makes calls, from any thread; what can be called stands in the client."""

    def __init__(  # noqa: PLR0913  its surroundings, all by name
        self,
        config: ClientConfig,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
        resolver: Resolver | None = None,
        ca_file: str | None = None,
    ) -> None:
        self.config = config
        self._clock, self._monotonic = clock, monotonic
        self._sleep, self._random = sleep, random
        self._resolver = resolver or Resolver()
        self._pepper = os.urandom(16)
        secure = urlsplit(config.base_url).scheme == "https"
        context = tls_context(ca_file) if secure else None
        self._pools = Pools(lambda: KeyAdapter(context), monotonic=monotonic)
        self._prepared = lru_cache(maxsize=32)(lambda route: request_prepare(config, route))

    def close(self) -> None:
        """Close idle connections."""
        self._pools.close()

    def _call(
        self,
        route: Route,
        parse: Parse[Value],
        *,
        secret: str | None,
        connection: PoolName,
        may_send: MaySend | None = None,
    ) -> Answer[Value] | AitronosError:
        """Ask, and ask again where that is sensible. Returns its error, raises none."""
        try:
            key = None if secret is None else secret_clean(secret)
        except UnsendableSecret as error:
            return InvalidSecret(FailureKind.INVALID_SECRET, detail=error.reason, sent=False)
        request, pool = self._request(route, key), self._pool_of(connection, key)
        deadline = Deadline(self.config.total_of(route.read_timeout), self._monotonic, may_send)
        started, attempt, sent = self._monotonic(), 1, False
        while True:
            outcome = self._attempt(request, route, parse, pool, deadline)
            elapsed = (self._monotonic() - started) * 1000
            if not isinstance(outcome, AitronosError):
                raw, value = outcome
                redactor = Redactor(key)
                info = call_info(
                    raw.headers, elapsed_ms=elapsed, attempts=attempt, redactor=redactor
                )
                return Answer(scrubbed(value, redactor), info)
            outcome.elapsed_ms, outcome.attempts = elapsed, attempt
            outcome.sent = sent = sent or outcome.sent
            wait = wait_before_retry(
                outcome,
                attempt=attempt,
                remaining=deadline.remaining,
                reused=CALL.reused,
                share=self._random(),
            )
            if wait is None or not route.repeatable:
                scrub(outcome, Redactor(key))
                return outcome
            self._sleep(wait)
            attempt += 1

    def _attempt(
        self,
        request: PreparedRequest,
        route: Route,
        parse: Parse[Value],
        pool: PoolName,
        deadline: Deadline,
    ) -> tuple[RawAnswer, Value] | AitronosError:
        limits = Limits(
            connect=self.config.connect_timeout,
            read=route.read_timeout or self.config.read_timeout,
            body=self.config.max_body,
        )
        # What is not repeatable must not meet a connection that died while idle: nobody could say
        # whether it arrived.
        adapter = self._pools.take(pool) if route.repeatable else self._pools.fresh()
        kept = False
        try:
            raw = exchange(
                adapter, request, deadline=deadline, resolver=self._resolver, limits=limits
            )
            value = self._understood(raw, parse)
            kept = raw.reusable and route.repeatable
        except AitronosError as error:
            return error
        finally:
            # Anything out of the ordinary closes its connection.
            if kept:
                self._pools.give(pool, adapter)
            else:
                adapter.close()
        return raw, value

    def _understood(self, raw: RawAnswer, parse: Parse[Value]) -> Value:
        if raw.status != 200:
            raise failure_of(raw.status, raw.headers, raw.body, clock=self._clock)
        try:
            return parse(parsing.body_object(raw.headers, raw.body))
        except AitronosError as error:
            error.request_id = header_id(raw.headers, "x-request-id")
            raise

    def _pool_of(self, connection: PoolName, secret: str | None) -> PoolName:
        """The pool's name, with a mark of the key: two keys under one name share nothing."""
        if connection is None or secret is None:
            return None
        mark = hashlib.blake2b(secret.encode(), key=self._pepper, digest_size=16)
        return f"{connection}/{mark.hexdigest()}"

    def _request(self, route: Route, secret: str | None) -> PreparedRequest:
        request: PreparedRequest = self._prepared(route).copy()
        if secret is not None:
            request.headers[self.config.api_key_header] = secret
        return request

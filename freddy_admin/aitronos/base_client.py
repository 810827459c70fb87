"""How any call of the API is made: with its limits and its attempts."""

import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from freddy_admin.aitronos.client_config import ClientConfig, validate_secret
from freddy_admin.aitronos.error_mapping import error_from_response, error_from_transport
from freddy_admin.aitronos.errors import AitronosError, InvalidSecret
from freddy_admin.aitronos.json_parsing import parse_json_body
from freddy_admin.aitronos.redaction import Redactor, redact_error, redact_value
from freddy_admin.aitronos.retry_policy import retry_delay_seconds
from freddy_admin.aitronos.routes import Route, prepare_request
from freddy_admin.aitronos.text_cleaning import ORGANIZATION_HEADER, clean_header_id
from freddy_admin.aitronos.types import ApiResponse, CallInfo
from freddy_admin.outbound.deadline import Deadline, MaySend
from freddy_admin.outbound.errors import TransportError
from freddy_admin.outbound.exchange import (
    ExchangeLimits,
    HttpTransport,
    PreparedRequest,
    RawResponse,
)

Value = TypeVar("Value")
BodyParser = Callable[[dict[str, Any]], Value]


class BaseApiClient:
    """Makes calls, from any thread; what can be called stands in the client."""

    def __init__(  # noqa: PLR0913  its surroundings, all by name
        self,
        config: ClientConfig,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
        transport: HttpTransport | None = None,
    ) -> None:
        self.config = config
        self._clock, self._monotonic = clock, monotonic
        self._sleep, self._random = sleep, random
        self._transport = transport or HttpTransport()
        self._prepared_request = lru_cache(maxsize=32)(lambda route: prepare_request(config, route))

    def _call(
        self,
        route: Route,
        parse: BodyParser[Value],
        secret: str | None,
        may_send: MaySend | None = None,
    ) -> ApiResponse[Value] | AitronosError:
        """Send the request, again where that is sensible. Returns its error, raises none."""
        try:
            key = None if secret is None else validate_secret(secret)
        except InvalidSecret as error:
            return error
        request = self._build_request(route, key)
        deadline = Deadline(
            self.config.total_timeout_for(route.read_timeout),
            self._monotonic,
            may_send,
        )
        started_at, attempt, requests_sent = self._monotonic(), 1, 0
        while True:
            result = self._send_attempt(request, route, parse, deadline)
            elapsed = (self._monotonic() - started_at) * 1000
            if not isinstance(result, AitronosError):
                raw_response, value = result
                redactor = Redactor(key)
                info = _build_call_info(
                    raw_response,
                    redactor,
                    elapsed=elapsed,
                    attempts=attempt,
                    sent=requests_sent + 1,
                )
                return ApiResponse(redact_value(value, redactor), info)
            result.elapsed_ms, result.attempts = elapsed, attempt
            requests_sent += result.request_sent
            result.requests_sent, result.request_sent = requests_sent, requests_sent > 0
            delay = retry_delay_seconds(
                result, attempt=attempt, remaining=deadline.remaining, share=self._random()
            )
            if delay is None or not route.is_repeatable:
                redact_error(result, Redactor(key))
                return result
            self._sleep(delay)
            attempt += 1

    def _send_attempt(
        self,
        request: PreparedRequest,
        route: Route,
        parse: BodyParser[Value],
        deadline: Deadline,
    ) -> tuple[RawResponse, Value] | AitronosError:
        limits = ExchangeLimits(
            connect_timeout=self.config.connect_timeout,
            read_timeout=route.read_timeout or self.config.read_timeout,
            max_body_bytes=self.config.max_body_bytes,
        )
        try:
            raw_response = self._transport.exchange(request, deadline=deadline, limits=limits)
            return raw_response, self._parse_response(raw_response, parse)
        except TransportError as error:
            return error_from_transport(error)
        except AitronosError as error:
            return error

    def _parse_response(self, raw_response: RawResponse, parse: BodyParser[Value]) -> Value:
        if raw_response.status != 200:
            raise error_from_response(
                raw_response.status, raw_response.headers, raw_response.body, clock=self._clock
            )
        try:
            return parse(parse_json_body(raw_response.headers, raw_response.body))
        except AitronosError as error:
            error.request_id = clean_header_id(raw_response.headers, "x-request-id")
            error.organization_id = clean_header_id(raw_response.headers, ORGANIZATION_HEADER)
            raise

    def _build_request(self, route: Route, secret: str | None) -> PreparedRequest:
        request: PreparedRequest = self._prepared_request(route).copy()
        if secret is not None:
            request.headers.update(dict.fromkeys(self.config.api_key_headers, secret))
        return request


def _build_call_info(
    raw_response: RawResponse, redactor: Redactor, *, elapsed: float, attempts: int, sent: int
) -> CallInfo:
    """What the headers of a good response tell, none of which is relied on, and what it cost."""
    headers = raw_response.headers
    return CallInfo(
        request_id=redactor.redact(clean_header_id(headers, "x-request-id")),
        trace_id=redactor.redact(clean_header_id(headers, "x-trace-id")),
        organization_id=redactor.redact(clean_header_id(headers, ORGANIZATION_HEADER)),
        elapsed_ms=elapsed,
        attempts=attempts,
        requests_sent=sent,
        date=headers.get("date", ""),
    )

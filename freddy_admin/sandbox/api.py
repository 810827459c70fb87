"""From a request to an answer: the path, the key, its scenario, the rate limit, the route."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from freddy_admin.sandbox import refusals, routes
from freddy_admin.sandbox.answers import (
    API_VERSION,
    Answer,
    Delivery,
    error_answer,
    html_answer,
    request_id,
)
from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.limits import RateLimit
from freddy_admin.sandbox.memory import Memory
from freddy_admin.sandbox.refusals import Refusal
from freddy_admin.sandbox.routes import Call
from freddy_admin.sandbox.scenarios import ParsedKey, Scenario, parse_key

_TOOL_PATH = ("/v1/admin/composio/tools/", "/status")
_ROUTES: dict[str, tuple[str, Callable[[Call], Answer]]] = {
    "/v1/admin/composio/sync/status": ("GET", routes.sync_status),
    "/v1/admin/composio/sync": ("POST", routes.trigger_sync),
    "/v1/admin/composio/auth-configs": ("GET", routes.auth_configs),
    "/v1/personal-connectors/available": ("GET", routes.connectors),
}
_PUBLIC: dict[str, Callable[[], Answer]] = {
    "/v1/health/": routes.health,
    "/v1/health/details": routes.health_details,
}
_REFUSALS: dict[Scenario, Refusal] = {
    Scenario.REJECTED: refusals.INVALID_KEY,
    Scenario.EXPIRED: refusals.EXPIRED_KEY,
    Scenario.KEY_PAUSED: refusals.PAUSED_KEY,
    Scenario.DEACTIVATED: refusals.DEACTIVATED_KEY,
    Scenario.NOT_PERMITTED: refusals.NOT_PERMITTED,
}
_PAGES: dict[Scenario, tuple[int, str]] = {
    Scenario.FIREWALL: (403, "403 Forbidden"),
    Scenario.ERROR_HTML: (500, "500 Internal Server Error"),
    Scenario.NOT_JSON: (200, "We will be back soon"),
}
_WAITS: dict[Scenario, tuple[Refusal, int]] = {
    Scenario.RATE_LIMITED: (refusals.TOO_MANY, 2),
    Scenario.SPENDING_LIMIT: (refusals.SPENDING_LIMIT, 12 * 3600),
    Scenario.UNAVAILABLE: (refusals.UNAVAILABLE, 30),
}
_DELIVERIES: dict[Scenario, Delivery] = {
    Scenario.HANGING: Delivery.NEVER,
    Scenario.TRUNCATED: Delivery.TRUNCATED,
    Scenario.DRIP: Delivery.DRIP,
}
_FAILS_EVERY = 3


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """How the imitation behaves: seconds, bytes, and the name of the key's header."""

    key_header: str = "X-API-Key"
    slow_seconds: float = 2.0
    drip_seconds: float = 0.25
    sync_seconds: float = 1.5
    huge_bytes: int = 5_000_000
    rate_limit: RateLimit | None = field(default_factory=RateLimit)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the server read it; ``key`` is None where the header is missing."""

    method: str
    target: str
    key: str | None = field(repr=False)
    body: bytes = b""
    elsewhere: str = "https://elsewhere.invalid"
    """Where the redirect scenario points."""


class SandboxApi:
    """The imitation without its sockets; safe to use from threads."""

    def __init__(self, clock: SandboxClock, options: SandboxOptions) -> None:
        self._clock = clock
        self._options = options
        self._memory = Memory(options.rate_limit)

    def answer(self, request: Request) -> Answer:
        """The answer, the API's headers not yet on it where a proxy would have sent it."""
        path = urlsplit(request.target).path
        if path in _PUBLIC:
            if request.method != "GET":
                return self._own(self._wrong_method("GET"))
            return self._own(_PUBLIC[path]())
        method, route, tool_key = _find(path)
        if route is None:
            return self._own(error_answer(refusals.NOT_FOUND, self._clock.now()))
        if method != request.method:
            return self._own(self._wrong_method(method))
        return self._keyed(request, route, tool_key)

    def _keyed(self, request: Request, route: Callable[[Call], Answer], tool_key: str) -> Answer:
        if not request.key:
            return self._own(error_answer(refusals.NO_KEY, self._clock.now()))
        key = parse_key(request.key)
        if key is None:
            return self._own(error_answer(refusals.INVALID_KEY, self._clock.now()))
        starts_sync = route is routes.trigger_sync
        fault = self._instead(request, key, starts_sync=starts_sync)
        if fault is not None:
            return fault
        wait, remaining = self._memory.take(request.key, self._clock.now())
        if wait:
            answer = error_answer(refusals.TOO_MANY, self._clock.now(), retry_after=wait)
            return self._own(answer, key, remaining)
        call = Call(
            secret=request.key,
            key=key,
            now=self._clock.now(),
            memory=self._memory,
            query=dict(parse_qsl(urlsplit(request.target).query)),
            body=request.body,
            tool_key=tool_key,
            sync_seconds=self._options.sync_seconds,
        )
        answer = self._spoiled(route(call), key)
        if starts_sync and key.scenario is Scenario.SYNC_VANISHES:
            answer = replace(answer, delivery=Delivery.CUT)
        return self._own(answer, key, remaining)

    def _instead(self, request: Request, key: ParsedKey, *, starts_sync: bool) -> Answer | None:
        """What this scenario answers before any route is asked, or None where the route decides."""
        scenario, now = key.scenario, self._clock.now()
        if starts_sync and scenario is Scenario.SYNC_REFUSED:
            return self._own(error_answer(refusals.SYNC_RUNNING, now), key)
        if starts_sync and scenario is Scenario.SYNC_FAILS:
            return html_answer(*_PAGES[Scenario.ERROR_HTML])
        if scenario in _REFUSALS:
            return self._own(error_answer(_REFUSALS[scenario], now))
        if scenario in _PAGES:
            return html_answer(*_PAGES[scenario])
        if scenario in _WAITS:
            refusal, seconds = _WAITS[scenario]
            return self._own(error_answer(refusal, now, retry_after=seconds), key, 0)
        if scenario is Scenario.REDIRECT:
            # A path of its own, so that `requests_seen.by_path` tells a client that followed.
            location = f"{request.elsewhere}/elsewhere{request.target}"
            return html_answer(302, "302 Found").with_headers({"Location": location})
        if scenario is Scenario.FLAKY and self._memory.call(request.key or "") % _FAILS_EVERY == 0:
            return html_answer(502, "502 Bad Gateway")
        return None

    def _spoiled(self, answer: Answer, key: ParsedKey) -> Answer:
        """A good answer with this scenario's fault in it."""
        if key.scenario is Scenario.SLOW:
            return replace(answer, delay_seconds=answer.delay_seconds + self._options.slow_seconds)
        if key.scenario is Scenario.WRONG_TYPES:
            return replace(answer, body=json.dumps(_twisted(json.loads(answer.body))).encode())
        if key.scenario is Scenario.HUGE:
            padding = b'{"padding": "' + b"x" * self._options.huge_bytes + b'", '
            return replace(answer, body=answer.body.replace(b"{", padding, 1))
        return replace(answer, delivery=_DELIVERIES.get(key.scenario, Delivery.WHOLE))

    def _wrong_method(self, allowed: str) -> Answer:
        answer = error_answer(refusals.WRONG_METHOD, self._clock.now())
        return answer.with_headers({"Allow": allowed})

    def _own(
        self, answer: Answer, key: ParsedKey | None = None, remaining: int | None = None
    ) -> Answer:
        """The answer with the headers the API itself sends."""
        headers = {"x-request-id": request_id(), "freddy-api-version": API_VERSION}
        if key is not None:
            headers["aitronos-organization"] = key.organization_id
        if remaining is not None:
            headers["x-ratelimit-remaining-requests"] = str(remaining)
        return answer.with_headers(headers)


def _find(path: str) -> tuple[str, Callable[[Call], Answer] | None, str]:
    if path in _ROUTES:
        return (*_ROUTES[path], "")
    start, end = _TOOL_PATH
    tool_key = path.removeprefix(start).removesuffix(end)
    if path == f"{start}{tool_key}{end}" and tool_key and "/" not in tool_key:
        return "PATCH", routes.tool_status, unquote(tool_key)
    return "", None, ""


def _twisted(value: object) -> object:
    """The same shape with every value in a wrong type."""
    if isinstance(value, dict):
        return {name: _twisted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_twisted(item) for item in value]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return [value] if isinstance(value, str) else str(value)

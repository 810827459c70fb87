"""From a request to a response: the path, the key, its scenario, the rate limit, the route."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import format_datetime
from urllib.parse import parse_qsl, unquote, urlsplit

from freddy_admin.sandbox import api_errors, route_handlers
from freddy_admin.sandbox.api_errors import SandboxApiError
from freddy_admin.sandbox.key_scenarios import (
    KEY_PREFIXES,
    ParsedKey,
    Scenario,
    parse_sandbox_key,
)
from freddy_admin.sandbox.responses import (
    API_VERSION,
    SandboxResponse,
    Transmission,
    error_response,
    html_response,
    new_request_id,
)
from freddy_admin.sandbox.route_handlers import RouteCall
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_state import RateLimit, SandboxState

_TOOL_PATH = ("/v1/admin/composio/tools/", "/status")
_ROUTES: dict[str, tuple[str, Callable[[RouteCall], SandboxResponse]]] = {
    "/v1/admin/composio/sync/status": ("GET", route_handlers.get_sync_status),
    "/v1/admin/composio/sync": ("POST", route_handlers.trigger_sync),
    "/v1/admin/composio/auth-configs": ("GET", route_handlers.list_auth_configs),
    "/v1/personal-connectors/available": ("GET", route_handlers.list_connectors),
}
_PUBLIC_ROUTES: dict[str, Callable[[], SandboxResponse]] = {
    "/v1/health/": route_handlers.get_health,
    "/v1/health/details": route_handlers.get_health_details,
}
_SCENARIO_ERRORS: dict[Scenario, SandboxApiError] = {
    Scenario.REJECTED: api_errors.INVALID_KEY,
    Scenario.EXPIRED: api_errors.EXPIRED_KEY,
    Scenario.KEY_PAUSED: api_errors.PAUSED_KEY,
    Scenario.DEACTIVATED: api_errors.DEACTIVATED_KEY,
    Scenario.NOT_PERMITTED: api_errors.NOT_PERMITTED,
}
_SCENARIO_HTML_PAGES: dict[Scenario, tuple[int, str]] = {
    Scenario.FIREWALL: (403, "403 Forbidden"),
    Scenario.ERROR_HTML: (500, "500 Internal Server Error"),
    Scenario.NOT_JSON: (200, "We will be back soon"),
}
_SCENARIO_WAITS: dict[Scenario, tuple[SandboxApiError, int]] = {
    Scenario.RATE_LIMITED: (api_errors.TOO_MANY_REQUESTS, 2),
    Scenario.SPENDING_LIMIT: (api_errors.SPENDING_LIMIT, 12 * 3600),
    Scenario.UNAVAILABLE: (api_errors.UNAVAILABLE, 30),
}
_SCENARIO_TRANSMISSIONS: dict[Scenario, Transmission] = {
    Scenario.HANGING: Transmission.NEVER,
    Scenario.TRUNCATED: Transmission.TRUNCATED,
    Scenario.DRIP: Transmission.DRIP,
}
_FLAKY_FAILS_EVERY = 3


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """How the sandbox behaves: seconds, bytes, and the key's headers."""

    # Any one of them is enough, as the vendor's own programs send several; the first one counts.
    key_headers: tuple[str, ...] = ("X-API-Key", "api-key")
    slow_seconds: float = 2.0
    drip_seconds: float = 0.25
    sync_seconds: float = 1.5
    huge_bytes: int = 5_000_000
    rate_limit: RateLimit | None = field(default_factory=RateLimit)


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One request as the server read it; ``key`` is None where the header is missing."""

    method: str
    target: str
    key: str | None = field(repr=False)
    body: bytes = b""
    redirect_origin: str = "https://elsewhere.invalid"
    """Where the redirect scenario points."""


class SandboxApi:
    """The sandbox without its sockets; thread-safe.

    It serves the default environment, and each other one below a path of its name: `/staging/v1/…`.
    """

    def __init__(self, clock: SandboxClock, options: SandboxOptions) -> None:
        self._clock = clock
        self._options = options
        self.state = SandboxState(options.rate_limit)

    def respond(self, request: SandboxRequest) -> SandboxResponse:
        """The response, without the API's headers where a proxy would have sent it."""
        environment, path = _split_environment(urlsplit(request.target).path)
        if path in _PUBLIC_ROUTES:
            if request.method != "GET":
                return self._error(api_errors.METHOD_NOT_ALLOWED).with_headers({"Allow": "GET"})
            return self._with_api_headers(_PUBLIC_ROUTES[path]())
        method, route, tool_key = _find_route(path)
        if route is None:
            return self._error(api_errors.NOT_FOUND)
        if method != request.method:
            return self._error(api_errors.METHOD_NOT_ALLOWED).with_headers({"Allow": method})
        if not request.key:
            return self._error(api_errors.NO_KEY)
        key = parse_sandbox_key(request.key)
        if key is None or key.environment != environment:
            return self._error(api_errors.INVALID_KEY)
        return self._respond_to_key(request, key, route, tool_key)

    def _respond_to_key(
        self,
        request: SandboxRequest,
        key: ParsedKey,
        route: Callable[[RouteCall], SandboxResponse],
        tool_key: str,
    ) -> SandboxResponse:
        refusal = self.state.find_refusal(key.organization_id)
        if refusal is not None:
            return self._refuse(refusal, key)
        starts_sync = route is route_handlers.trigger_sync
        scenario_response = self._scenario_response(request, key, starts_sync=starts_sync)
        if scenario_response is not None:
            return scenario_response
        now = self._clock.now()
        wait_seconds, remaining = self.state.take_token(key.organization_id, now)
        if wait_seconds:
            return self._error(
                api_errors.TOO_MANY_REQUESTS, key, remaining, retry_after=wait_seconds
            )
        call = RouteCall(
            secret=request.key or "",
            key=key,
            now=now,
            state=self.state,
            query=dict(parse_qsl(urlsplit(request.target).query)),
            body=request.body,
            tool_key=tool_key,
            sync_seconds=self._options.sync_seconds,
        )
        response = self._with_scenario_fault(route(call), key)
        if starts_sync and key.scenario is Scenario.SYNC_VANISHES:
            response = replace(response, transmission=Transmission.CUT)
        return self._with_api_headers(response, key, remaining)

    def _scenario_response(
        self, request: SandboxRequest, key: ParsedKey, *, starts_sync: bool
    ) -> SandboxResponse | None:
        """The response of this scenario, or None where the route responds."""
        scenario = key.scenario
        if starts_sync and scenario is Scenario.SYNC_REFUSED:
            return self._error(api_errors.SYNC_RUNNING, key)
        if starts_sync and scenario is Scenario.SYNC_FAILS:
            return html_response(*_SCENARIO_HTML_PAGES[Scenario.ERROR_HTML])
        if scenario in _SCENARIO_ERRORS:
            return self._refuse(_SCENARIO_ERRORS[scenario], key)
        if scenario in _SCENARIO_HTML_PAGES:
            return html_response(*_SCENARIO_HTML_PAGES[scenario])
        if scenario in _SCENARIO_WAITS:
            api_error, seconds = _SCENARIO_WAITS[scenario]
            return self._error(api_error, key, 0, retry_after=seconds)
        if scenario is Scenario.REDIRECT:
            # A path of its own, so that `request_counts.by_path` shows a client that followed.
            location = f"{request.redirect_origin}/elsewhere{request.target}"
            return html_response(302, "302 Found").with_headers({"Location": location})
        if (
            scenario is Scenario.FLAKY
            and self.state.count_call(request.key or "") % _FLAKY_FAILS_EVERY == 0
        ):
            return html_response(502, "502 Bad Gateway")
        return None

    def _with_scenario_fault(self, response: SandboxResponse, key: ParsedKey) -> SandboxResponse:
        """A good response with this scenario's fault in it."""
        if key.scenario is Scenario.SLOW:
            delay_seconds = response.delay_seconds + self._options.slow_seconds
            return replace(response, delay_seconds=delay_seconds)
        if key.scenario is Scenario.WRONG_TYPES:
            body = json.dumps(_with_wrong_types(json.loads(response.body)))
            return replace(response, body=body.encode())
        if key.scenario is Scenario.HUGE:
            padding = b'{"padding": "' + b"x" * self._options.huge_bytes + b'", '
            return replace(response, body=response.body.replace(b"{", padding, 1))
        return replace(
            response, transmission=_SCENARIO_TRANSMISSIONS.get(key.scenario, Transmission.WHOLE)
        )

    def _refuse(self, api_error: SandboxApiError, key: ParsedKey) -> SandboxResponse:
        # Who is not signed in belongs to no organisation; who may not do it does.
        return self._error(api_error, key if api_error.status == 403 else None)

    def _error(
        self,
        api_error: SandboxApiError,
        key: ParsedKey | None = None,
        remaining: int | None = None,
        *,
        retry_after: int | None = None,
    ) -> SandboxResponse:
        response = error_response(api_error, self._clock.now(), retry_after=retry_after)
        return self._with_api_headers(response, key, remaining)

    def _with_api_headers(
        self, response: SandboxResponse, key: ParsedKey | None = None, remaining: int | None = None
    ) -> SandboxResponse:
        """The response with the headers the API itself sends."""
        headers = {"x-request-id": new_request_id(), "freddy-api-version": API_VERSION}
        headers["date"] = format_datetime(self._clock.now().astimezone(UTC), usegmt=True)
        if key is not None:
            headers["aitronos-organization"] = key.organization_id
        if remaining is not None:
            headers["x-ratelimit-remaining-requests"] = str(remaining)
        return response.with_headers(headers)


def _split_environment(path: str) -> tuple[str, str]:
    """The environment that a path leads to, and the path of the API's own."""
    for environment in KEY_PREFIXES:
        if path.startswith(f"/{environment}/"):
            return environment, path.removeprefix(f"/{environment}")
    return "default", path


def _find_route(path: str) -> tuple[str, Callable[[RouteCall], SandboxResponse] | None, str]:
    if path in _ROUTES:
        return (*_ROUTES[path], "")
    prefix, suffix = _TOOL_PATH
    tool_key = path.removeprefix(prefix).removesuffix(suffix)
    if path == f"{prefix}{tool_key}{suffix}" and tool_key and "/" not in tool_key:
        return "PATCH", route_handlers.update_tool_status, unquote(tool_key)
    return "", None, ""


def _with_wrong_types(value: object) -> object:
    """JSON of the shape of `value` with every value in a wrong type."""
    if isinstance(value, dict):
        return {name: _with_wrong_types(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_wrong_types(item) for item in value]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return [value] if isinstance(value, str) else str(value)

"""What can be asked: a line per route, and the request it becomes."""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from freddy_admin.aitronos.client_config import ClientConfig
from freddy_admin.outbound.exchange import PreparedRequest
from freddy_admin.outbound.exchange import prepare_request as prepare_http_request


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes, with its query in `path` and its JSON in `body`.

    Only a GET is ever sent twice. `read_timeout` is for a route that takes its time (seconds).
    """

    method: str
    path: str
    body: bytes = b""
    read_timeout: float | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice does no harm."""
        return self.method == "GET"


SYNC_STATUS_ROUTE: Final = Route("GET", "/v1/admin/composio/sync/status")
AUTH_CONFIGS_ROUTE: Final = Route("GET", "/v1/admin/composio/auth-configs")
HEALTH_ROUTE: Final = Route("GET", "/v1/health/")
HEALTH_DETAILS_ROUTE: Final = Route("GET", "/v1/health/details")
LONGEST_READ_TIMEOUT = 86_400.0
_INVALID_SEGMENTS = {"", ".", ".."}


def sync_start_route(*, full: bool, read_timeout: float) -> Route:
    """Start a sync. Raises ValueError where `read_timeout` is not above 0 and within a day."""
    if not 0 < read_timeout <= LONGEST_READ_TIMEOUT:
        raise ValueError("read_timeout must be a number of seconds above 0 and within a day")
    path = f"/v1/admin/composio/sync?force_full_sync={'true' if full else 'false'}"
    return Route("POST", path, read_timeout=read_timeout)


def connectors_route(*, offset: int, limit: int, organization_id: str = "") -> Route:
    """At most `limit` connectors from `offset` on; the API validates the numbers.

    `organization_id` is that of the key's organisation at Aitronos, "" where it is not known.
    """
    query: dict[str, int | str] = {"limit": limit, "offset": offset}
    query |= {"organization_id": organization_id} if organization_id else {}
    return Route("GET", f"/v1/personal-connectors/available?{urlencode(query)}")


def tool_switch_route(*, tool_key: str, enabled: bool) -> Route:
    """Switch a tool. Raises ValueError for a key that cannot be one segment of a path."""
    if tool_key in _INVALID_SEGMENTS:
        raise ValueError("the tool key names no tool")
    try:
        segment = quote(tool_key, safe="")
    except UnicodeEncodeError:
        raise ValueError("the tool key holds half of a character") from None
    body = json.dumps({"is_enabled": enabled}).encode()
    return Route("PATCH", f"/v1/admin/composio/tools/{segment}/status", body=body)


def prepare_request(config: ClientConfig, route: Route) -> PreparedRequest:
    """The request of a route, without a key. No environment is looked at."""
    headers = {"User-Agent": config.user_agent}
    if route.body:
        headers["Content-Type"] = "application/json"
    url = config.base_url.rstrip("/") + route.path
    return prepare_http_request(route.method, url, headers=headers, body=route.body)

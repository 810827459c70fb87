"""What can be asked: a line per route, and the request it becomes."""

from dataclasses import dataclass
from typing import Final

import requests
from requests.models import PreparedRequest

from freddy_admin.aitronos.config import ClientConfig


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
    def repeatable(self) -> bool:
        """Whether sending it twice does no harm."""
        return self.method == "GET"


SYNC_STATUS: Final = Route("GET", "/v1/admin/composio/sync/status")
HEALTH: Final = Route("GET", "/v1/health/")


def request_prepare(config: ClientConfig, route: Route) -> PreparedRequest:
    """The request of a route, without a key. No environment is looked at."""
    headers = {
        "Accept": "application/json",
        # Compressed answers could unfold to any size: we ask for none and take none.
        "Accept-Encoding": "identity",
        "User-Agent": config.user_agent,
    }
    if route.body:
        headers["Content-Type"] = "application/json"
    url = config.base_url.rstrip("/") + route.path
    return requests.Request(route.method, url, headers=headers, data=route.body).prepare()

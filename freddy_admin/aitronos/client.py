"""The client of the Aitronos API: typed values in and out, a limit on everything, any thread."""

from functools import partial
from typing import Protocol, TypeVar

from freddy_admin.aitronos import response_parsing, routes
from freddy_admin.aitronos.base_client import BaseApiClient
from freddy_admin.aitronos.client_config import ClientConfig
from freddy_admin.aitronos.errors import AitronosError, EnvironmentMissing, FailureKind
from freddy_admin.aitronos.types import (
    ApiResponse,
    AuthConfigList,
    ConnectorPage,
    ServiceHealth,
    SyncStartedResponse,
    SyncStatusResponse,
    ToolSwitchedResponse,
)
from freddy_admin.outbound.deadline import MaySend

Value = TypeVar("Value")


class ApiClients(Protocol):
    """The clients of all environments: whoever holds a key asks for the one of its environment.

    It makes no call itself, so that no key can be sent without saying where it belongs.
    """

    def for_environment(self, name: str) -> "AitronosClient":
        """The client of this environment; raises EnvironmentMissing where it is not set up."""
        ...


class AitronosClient(BaseApiClient):
    """Calls the API. Raises AitronosError and nothing else; no error holds a key.

    It calls one environment, the `environment` of its config.

    A connection lives for one attempt of one call, so that no answer can reach another key,
    whatever the other side sends. What changes something at the other side is sent once at most,
    and its error says whether it was sent (`request_sent`). Arguments that no call could be made of
    are a ValueError at once.

    `may_send` is called before each attempt, once the connection stands, immediately before the
    first byte, with the seconds that the call may still take. Where it returns False, nothing is
    sent in that attempt and the call ends as RequestWithheld.
    """

    def for_environment(self, name: str) -> "AitronosClient":
        """This client, where it is the one of environment `name`; raises EnvironmentMissing."""
        if name != self.config.environment:
            raise environment_missing(name)
        return self

    def get_sync_status(
        self, *, secret: str, may_send: MaySend | None = None
    ) -> ApiResponse[SyncStatusResponse]:
        """*Get sync status* for one key."""
        result = self._call(
            routes.SYNC_STATUS_ROUTE,
            response_parsing.parse_sync_status,
            secret,
            may_send=may_send,
        )
        del secret  # a traceback keeps the locals of every frame it passes
        return _value_or_raise(result)

    def list_auth_configs(
        self, *, secret: str, may_send: MaySend | None = None
    ) -> ApiResponse[AuthConfigList]:
        """*List auth configs*: all of them, for the API knows no pages here."""
        result = self._call(
            routes.AUTH_CONFIGS_ROUTE,
            response_parsing.parse_auth_configs,
            secret,
            may_send=may_send,
        )
        del secret
        return _value_or_raise(result)

    def list_connectors(
        self,
        *,
        secret: str,
        offset: int = 0,
        limit: int = 100,
        organization_id: str = "",
        may_send: MaySend | None = None,
    ) -> ApiResponse[ConnectorPage]:
        """*List available connectors*: at most `limit` of them, from the one at `offset`.

        `organization_id` is that of the key's organisation at Aitronos; "" where it is not known.
        """
        route = routes.connectors_route(offset=offset, limit=limit, organization_id=organization_id)
        result = self._call(
            route,
            response_parsing.parse_connector_page,
            secret,
            may_send=may_send,
        )
        del secret
        return _value_or_raise(result)

    def start_sync(
        self, *, secret: str, full: bool, read_timeout: float, may_send: MaySend | None = None
    ) -> ApiResponse[SyncStartedResponse]:
        """*Trigger connector sync*; `full` updates every tool. Sent once at most.

        The API answers when the sync is over, it seems: `read_timeout` is how many seconds to
        wait for that, and with the connect limit the limit of the whole call.
        """
        try:
            route = routes.sync_start_route(full=full, read_timeout=read_timeout)
        except ValueError:
            del secret
            raise
        result = self._call(route, response_parsing.parse_sync_started, secret, may_send=may_send)
        del secret
        return _value_or_raise(result)

    def switch_tool(
        self, *, secret: str, tool_key: str, enabled: bool, may_send: MaySend | None = None
    ) -> ApiResponse[ToolSwitchedResponse]:
        """*Update a tool's status*, very likely for more than one organisation. Sent once at most.

        Raises ValueError, and sends nothing, for a key that cannot be one segment of a path.
        """
        try:
            route = routes.tool_switch_route(tool_key=tool_key, enabled=enabled)
        except ValueError:
            del secret
            raise
        parse = partial(response_parsing.parse_tool_switched, tool_key=tool_key, enabled=enabled)
        result = self._call(route, parse, secret, may_send=may_send)
        del secret
        return _value_or_raise(result)

    def get_health(self) -> ApiResponse[ServiceHealth]:
        """What the public health route answers; no key is sent."""
        return _value_or_raise(self._call(routes.HEALTH_ROUTE, response_parsing.parse_health, None))

    def get_health_details(self) -> ApiResponse[ServiceHealth]:
        """What the public health route says of its components; no key is sent."""
        return _value_or_raise(
            self._call(routes.HEALTH_DETAILS_ROUTE, response_parsing.parse_health, None)
        )


def environment_missing(name: str) -> EnvironmentMissing:
    """The error for an environment without a client."""
    return EnvironmentMissing(FailureKind.ENVIRONMENT_MISSING, detail=name, request_sent=False)


def _value_or_raise(result: ApiResponse[Value] | AitronosError) -> ApiResponse[Value]:
    if isinstance(result, AitronosError):
        # Without the frames it came through: their locals hold the request.
        raise result.with_traceback(None)
    return result


__all__ = ["AitronosClient", "ClientConfig"]

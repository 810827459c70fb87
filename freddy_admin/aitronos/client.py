"""The client of the Aitronos API: typed values in and out, a limit on everything, any thread."""

from functools import partial
from typing import TypeVar

from freddy_admin.aitronos import parsing, parsing_changes, parsing_lists, routes
from freddy_admin.aitronos.calling import Caller
from freddy_admin.aitronos.config import ClientConfig
from freddy_admin.aitronos.deadline import MaySend
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.types import (
    Answer,
    AuthConfigs,
    ConnectorPage,
    Health,
    SyncStarted,
    SyncStatus,
    ToolSwitched,
)

Value = TypeVar("Value")


class AitronosClient(Caller):
    """Calls the API. Raises AitronosError and nothing else; no error holds a key.

    `connection` names the pool a call may use: connections are kept per name and never handed to
    another name or another key, whatever the other side sends. What changes something at the other
    side takes none: it has a connection of its own and is sent once at most, and its error says
    whether it was `sent`. Arguments that no call could be made of are a ValueError at once.

    `may_send` is the caller's last word: asked before each attempt once the connection stands,
    immediately before the first byte, with the seconds that the call may still take. Where it
    says no, nothing is sent in that attempt and the call ends as Withheld.
    """

    def get_sync_status(
        self, *, secret: str, connection: str, may_send: MaySend | None = None
    ) -> Answer[SyncStatus]:
        """*Get sync status* for one key."""
        outcome = self._call(
            routes.SYNC_STATUS,
            parsing.sync_status,
            secret=secret,
            connection=connection,
            may_send=may_send,
        )
        del secret  # a traceback keeps the locals of every frame it passes
        return _answer(outcome)

    def list_auth_configs(
        self, *, secret: str, connection: str, may_send: MaySend | None = None
    ) -> Answer[AuthConfigs]:
        """*List auth configs*: all of them, for the API knows no pages here."""
        outcome = self._call(
            routes.AUTH_CONFIGS,
            parsing_lists.auth_configs,
            secret=secret,
            connection=connection,
            may_send=may_send,
        )
        del secret
        return _answer(outcome)

    def list_connectors(
        self,
        *,
        secret: str,
        connection: str,
        offset: int = 0,
        limit: int = 100,
        may_send: MaySend | None = None,
    ) -> Answer[ConnectorPage]:
        """*List available connectors*: at most `limit` of them, from the one at `offset`."""
        route = routes.connectors(offset=offset, limit=limit)
        outcome = self._call(
            route,
            parsing_lists.connector_page,
            secret=secret,
            connection=connection,
            may_send=may_send,
        )
        del secret
        return _answer(outcome)

    def start_sync(
        self, *, secret: str, full: bool, read_timeout: float, may_send: MaySend | None = None
    ) -> Answer[SyncStarted]:
        """*Trigger connector sync*; `full` updates every tool. Sent once at most.

        The API answers when the sync is over, it seems: `read_timeout` is how many seconds to
        wait for that, and with the connect limit the limit of the whole call.
        """
        try:
            route = routes.sync_start(full=full, read_timeout=read_timeout)
        except ValueError:
            del secret
            raise
        outcome = self._call(
            route,
            parsing_changes.sync_started,
            secret=secret,
            connection=None,
            may_send=may_send,
        )
        del secret
        return _answer(outcome)

    def switch_tool(
        self, *, secret: str, tool_key: str, enabled: bool, may_send: MaySend | None = None
    ) -> Answer[ToolSwitched]:
        """*Update a tool's status*, very likely for more than one organisation. Sent once at most.

        Raises ValueError, and sends nothing, for a key that cannot be one segment of a path.
        """
        try:
            route = routes.tool_switch(tool_key=tool_key, enabled=enabled)
        except ValueError:
            del secret
            raise
        parse = partial(parsing_changes.tool_switched, tool_key=tool_key, enabled=enabled)
        outcome = self._call(route, parse, secret=secret, connection=None, may_send=may_send)
        del secret
        return _answer(outcome)

    def get_health(self) -> Answer[Health]:
        """The public health route: no key is sent."""
        return _answer(self._call(routes.HEALTH, parsing.health, secret=None, connection=None))


def _answer(outcome: Answer[Value] | AitronosError) -> Answer[Value]:
    if isinstance(outcome, AitronosError):
        # Without the frames it came through: their locals hold the request.
        raise outcome.with_traceback(None)
    return outcome


__all__ = ["AitronosClient", "ClientConfig"]

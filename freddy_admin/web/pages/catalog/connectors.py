"""The connectors of a catalog, ready for its page, and where each can be switched."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.aitronos.types import AuthConfig, Connector
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.pages.catalog.filters import CatalogContext
from freddy_admin.web.pages.overview.rows import NO_VALUE
from freddy_admin.wording.states import GOOD, QUIET
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class ConnectorRow:
    """One connector; `switch_off_url` is empty where switching off is not offered."""

    name: str
    tool_key: str
    description: str
    category: str
    connected: str
    tone: str
    icon: str
    channel: str
    is_switching: bool
    switch_off_url: str
    text: str


def connector_rows(
    context: CatalogContext,
    key: ApiKey,
    connectors: Sequence[Connector],
    *,
    switching_tool_keys: Collection[str],
) -> list[ConnectorRow]:
    """A row per connector, in the order of Aitronos; `switching_tool_keys` are being switched."""
    path = connector_toggle_path_if_allowed(context, key)
    return [
        _connector_row(connector, path, is_switching=connector.tool_key in switching_tool_keys)
        for connector in connectors
    ]


def connector_toggle_path_if_allowed(context: CatalogContext, key: ApiKey) -> str:
    """Where connectors are switched; empty for who may not, and while the key is paused."""
    if not context.access.allows(Permission.SWITCH_CONNECTORS) or key.paused_at is not None:
        return ""
    return reverse("connector_switch", args=[context.access.organisation.slug, key.pk])


def connector_toggle_url(path: str, tool_key: str, *, enable: bool) -> str:
    """The page that asks whether to switch this connector; empty without a path."""
    return f"{path}?{urlencode({'tool': tool_key, 'on': int(enable)})}" if path else ""


def _connector_row(connector: Connector, path: str, *, is_switching: bool) -> ConnectorRow:
    words, tone, icon = _CONNECTION_STYLES[connector.is_connected]()
    shown = (
        connector.display_name,
        connector.tool_key,
        connector.description,
        connector.category,
        connector.release_channel,
    )
    return ConnectorRow(
        name=connector.display_name or connector.tool_key,
        tool_key=connector.tool_key,
        description=connector.description,
        category=connector.category,
        connected=words,
        tone=tone,
        icon=icon,
        channel=connector.release_channel or NO_VALUE,
        is_switching=is_switching,
        switch_off_url=""
        if is_switching
        else connector_toggle_url(path, connector.tool_key, enable=False),
        text="\n".join((*shown, words)),
    )


_CONNECTION_STYLES: dict[bool | None, Callable[[], tuple[str, str, str]]] = {
    True: lambda: (_("Connected"), GOOD, "circle-check"),
    False: lambda: (_("Not connected"), QUIET, "circle-dashed"),
    None: lambda: (NO_VALUE, QUIET, ""),
}


@dataclass(frozen=True, slots=True)
class AuthConfigRow:
    """One auth config."""

    name: str
    type: str
    id: str
    created: SafeString | str
    text: str
    category: str = ""


def auth_config_rows(
    auth_configs: Sequence[AuthConfig], user_time: UserTime
) -> list[AuthConfigRow]:
    """A row per auth config, in the order of Aitronos."""
    return [_auth_config_row(auth_config, user_time) for auth_config in auth_configs]


def _auth_config_row(auth_config: AuthConfig, user_time: UserTime) -> AuthConfigRow:
    at = auth_config.created_at
    created = f"{user_time.format_clock(at)}\n{user_time.format_exact(at)}" if at else ""
    return AuthConfigRow(
        name=auth_config.toolkit or auth_config.id,
        type=auth_config.type or NO_VALUE,
        id=auth_config.id,
        created=user_time.render_clock(at) if at else NO_VALUE,
        text=f"{auth_config.toolkit}\n{auth_config.type}\n{auth_config.id}\n{created}",
    )

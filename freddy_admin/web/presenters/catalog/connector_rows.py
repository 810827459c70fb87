"""The connectors of a catalog, ready for its page, and where each can be switched."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.aitronos.types import Connector
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.catalog_context import CatalogContext
from freddy_admin.web.presenters.key_rows import NO_VALUE
from freddy_admin.wording.states import GOOD, QUIET


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

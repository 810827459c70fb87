"""The connectors an organisation can use, ready for the list; and who may switch which."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.aitronos.types import Connector
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.list_look import Look
from freddy_admin.web.presenters.rows import NEVER
from freddy_admin.web.presenters.states import GOOD, QUIET


@dataclass(frozen=True, slots=True)
class ConnectorRow:
    """One connector; `off` is where it is switched off, empty where that is not offered."""

    name: str
    tool_key: str
    about: str
    category: str
    connected: str
    tone: str
    icon: str
    channel: str
    switching: bool
    off: str
    text: str


def connector_rows(
    look: Look, key: ApiKey, found: Sequence[Connector], *, switching: Collection[str]
) -> list[ConnectorRow]:
    """In the order of Aitronos; `switching` are the keys of those that are being switched."""
    path = switch_path(look, key)
    return [_row(one, path, switching=one.tool_key in switching) for one in found]


def switch_path(look: Look, key: ApiKey) -> str:
    """Where connectors are switched; empty for who may not, and while the key is paused."""
    if not look.access.allows(Permission.SWITCH_CONNECTORS) or key.paused_at is not None:
        return ""
    return reverse("connector_switch", args=[look.access.organisation.slug, key.pk])


def switch_address(path: str, tool_key: str, *, on: bool) -> str:
    """The page that asks whether to switch this connector; empty without a path."""
    return f"{path}?{urlencode({'tool': tool_key, 'on': int(on)})}" if path else ""


def _row(one: Connector, path: str, *, switching: bool) -> ConnectorRow:
    words, tone, icon = _CONNECTED[one.is_connected]()
    shown = (one.display_name, one.tool_key, one.description, one.category, one.release_channel)
    return ConnectorRow(
        name=one.display_name or one.tool_key,
        tool_key=one.tool_key,
        about=one.description,
        category=one.category,
        connected=words,
        tone=tone,
        icon=icon,
        channel=one.release_channel or NEVER,
        switching=switching,
        off="" if switching else switch_address(path, one.tool_key, on=False),
        text="\n".join((*shown, words)),
    )


_CONNECTED: dict[bool | None, Callable[[], tuple[str, str, str]]] = {
    True: lambda: (_("Connected"), GOOD, "circle-check"),
    False: lambda: (_("Not connected"), QUIET, "circle-dashed"),
    None: lambda: (NEVER, QUIET, ""),
}

"""A catalog as pages read it: typed items, when they came, and why there are no newer ones.

Pure, with the compact form in which items are stored: what the API left empty is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from freddy_admin.aitronos.types import AuthConfig, Connector
from freddy_admin.sync.checks.policy import MAX_PLANNING_HORIZON
from freddy_admin.sync.models import CatalogKind
from freddy_admin.sync.status.rows import CheckError

CatalogItem = AuthConfig | Connector


@dataclass(frozen=True, slots=True)
class CatalogState:
    """The state of one catalog without its items; all None before the first request.

    `error` is that of the latest finished fetch with the key in use, `observed_at` the time of the
    latest good one; `is_from_previous_key` says that the items came with another key than that.
    """

    kind: CatalogKind
    key_version: int | None = None  # of the latest finished fetch, or of the one that is requested
    total: int = 0
    observed_at: datetime | None = None
    checked_at: datetime | None = None
    error: CheckError | None = None
    is_from_previous_key: bool = False
    refresh_requested_at: datetime | None = None
    requested_at: datetime | None = None
    hold_until: datetime | None = None
    lease_until: datetime | None = None

    def is_held(self, now: datetime) -> bool:
        """Whether Aitronos asked us to wait and that time is not over."""
        # Further ahead than any wait: our clock was set back.
        return self.hold_until is not None and now < self.hold_until <= now + MAX_PLANNING_HORIZON

    def is_running(self, now: datetime) -> bool:
        """Whether a fetch is under way."""
        return self.lease_until is not None and self.lease_until > now

    def is_pending(self, now: datetime) -> bool:
        """Whether a fetch is under way or will be made next."""
        return self.is_running(now) or (
            self.refresh_requested_at is not None and not self.is_held(now)
        )


def serialize_items(items: tuple[CatalogItem, ...]) -> list[dict[str, Any]]:
    """The items as JSON values, without empty members."""
    return [
        {name: value for name, value in asdict(item).items() if value is not None and value != ""}
        for item in items
    ]


def deserialize_items(kind: CatalogKind, stored_items: object) -> tuple[CatalogItem, ...]:
    """The items from their JSON values; what this version of the panel cannot read is left out."""
    parse = _ITEM_PARSERS[kind]
    values = stored_items if isinstance(stored_items, list) else []
    return tuple(parse(value) for value in values if isinstance(value, Mapping))


def _parse_auth_config(values: Mapping[str, Any]) -> AuthConfig:
    return AuthConfig(
        id=_get_text(values, "id"),
        toolkit=_get_text(values, "toolkit"),
        type=_get_text(values, "type"),
        created_at=_get_text(values, "created_at"),
    )


def _parse_connector(values: Mapping[str, Any]) -> Connector:
    is_connected = values.get("is_connected")
    return Connector(
        id=_get_text(values, "id"),
        tool_key=_get_text(values, "tool_key"),
        display_name=_get_text(values, "display_name"),
        description=_get_text(values, "description"),
        category=_get_text(values, "category"),
        is_connected=is_connected if isinstance(is_connected, bool) else None,
        connection_id=_get_text(values, "connection_id"),
        release_channel=_get_text(values, "release_channel"),
    )


def _get_text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


_ITEM_PARSERS: dict[CatalogKind, Callable[[Mapping[str, Any]], CatalogItem]] = {
    CatalogKind.AUTH_CONFIGS: _parse_auth_config,
    CatalogKind.CONNECTORS: _parse_connector,
}

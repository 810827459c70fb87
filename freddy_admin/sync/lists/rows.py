"""A list as pages read it: typed items, when they came, and why there are no newer ones.

Pure, with the compact form in which items are stored: what the API left empty is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from freddy_admin.aitronos.types import AuthConfig, Connector
from freddy_admin.sync.models import ListingKind
from freddy_admin.sync.policy import PLANNED_AT_MOST
from freddy_admin.sync.rows import CheckError

Item = AuthConfig | Connector


@dataclass(frozen=True, slots=True)
class ListingState:
    """What there is to say of one list without reading it; all None where nobody asked yet.

    `error` is that of the latest finished call with the key in use, `observed_at` the time of the
    latest good one; `former` says that the list came with another key than the one in use.
    """

    kind: ListingKind
    key_version: int | None = None  # of the latest finished call, or of the one that is wanted
    total: int = 0
    observed_at: datetime | None = None
    checked_at: datetime | None = None
    error: CheckError | None = None
    former: bool = False
    wanted_at: datetime | None = None
    requested_at: datetime | None = None
    hold_until: datetime | None = None
    lease_until: datetime | None = None

    def held(self, now: datetime) -> bool:
        """Whether Aitronos asked us to wait, and we still do."""
        # Further ahead than any wait: our clock was set back.
        return self.hold_until is not None and now < self.hold_until <= now + PLANNED_AT_MOST

    def running(self, now: datetime) -> bool:
        """Whether a call is under way."""
        return self.lease_until is not None and self.lease_until > now

    def pending(self, now: datetime) -> bool:
        """Whether a call is under way or will be made next."""
        return self.running(now) or (self.wanted_at is not None and not self.held(now))


@dataclass(frozen=True, slots=True)
class ListingView:
    """One list of one key, in the order in which Aitronos gave it."""

    state: ListingState
    items: tuple[Item, ...]

    @property
    def auth_configs(self) -> list[AuthConfig]:
        """The items of that list."""
        return [one for one in self.items if isinstance(one, AuthConfig)]

    @property
    def connectors(self) -> list[Connector]:
        """The items of that list."""
        return [one for one in self.items if isinstance(one, Connector)]


def frozen(items: tuple[Item, ...]) -> list[dict[str, Any]]:
    """The items as JSON values."""
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(item).items()
            if value is not None and value != ""
        }
        for item in items
    ]


def thawed(kind: ListingKind, kept: object) -> tuple[Item, ...]:
    """The items again; what this version of the panel cannot read is left out."""
    make = _MAKE[kind]
    listed = kept if isinstance(kept, list) else []
    return tuple(make(one) for one in listed if isinstance(one, Mapping))


def _auth_config(kept: Mapping[str, Any]) -> AuthConfig:
    return AuthConfig(
        id=_text(kept, "id"),
        toolkit=_text(kept, "toolkit"),
        type=_text(kept, "type"),
        created_at=_moment(kept, "created_at"),
    )


def _connector(kept: Mapping[str, Any]) -> Connector:
    connected = kept.get("is_connected")
    return Connector(
        id=_text(kept, "id"),
        tool_key=_text(kept, "tool_key"),
        display_name=_text(kept, "display_name"),
        description=_text(kept, "description"),
        category=_text(kept, "category"),
        is_connected=connected if isinstance(connected, bool) else None,
        connection_id=_text(kept, "connection_id"),
        release_channel=_text(kept, "release_channel"),
    )


def _text(kept: Mapping[str, Any], name: str) -> str:
    value = kept.get(name)
    return value if isinstance(value, str) else ""


def _moment(kept: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(_text(kept, name))
    except ValueError:
        return None


_MAKE: dict[ListingKind, Callable[[Mapping[str, Any]], Item]] = {
    ListingKind.AUTH_CONFIGS: _auth_config,
    ListingKind.CONNECTORS: _connector,
}

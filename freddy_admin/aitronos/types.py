"""What the API answers, as typed values. Times are aware, in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

Value = TypeVar("Value")
# fmt: off
_WELL_COMPONENT_STATUSES = frozenset((
    "ok", "healthy", "up", "pass", "passed", "passing", "operational", "available", "connected",
    "running", "active", "enabled", "online", "ready", "green", "good", "normal",
    # A part that is not in use is no fault.
    "disabled", "inactive", "skipped", "unknown", "n/a", "none", "not configured",
    "not_configured", "not-configured",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class SyncStatusResponse:
    """The response of *Get sync status*, as received; an interval of 0 means none."""

    total_tools: int
    enabled_tools: int
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    sync_interval_hours: int
    incremental_sync_enabled: bool


@dataclass(frozen=True, slots=True)
class SyncStartedResponse:
    """The response of *Trigger connector sync*; "" and None where the API said nothing.

    `status` and `sync_mode` are free text. No route tells later what became of `job_id`.
    """

    job_id: str
    status: str
    tools_synced: int
    tools_created: int
    tools_updated: int
    tools_unchanged: int | None
    sync_mode: str
    message: str


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """How connectors of one toolkit sign in; all but the id may be "".

    `created_at` is text as it came: a time, in whatever form.
    """

    id: str
    toolkit: str
    type: str
    created_at: str


@dataclass(frozen=True, slots=True)
class AuthConfigList:
    """The response of *List auth configs*: all there are, and the number the API says."""

    items: tuple[AuthConfig, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector an organisation can use; `is_connected` is None where the API does not say."""

    id: str
    tool_key: str
    display_name: str
    description: str
    category: str
    is_connected: bool | None
    connection_id: str
    release_channel: str


@dataclass(frozen=True, slots=True)
class ConnectorPage:
    """The response of *List available connectors*: some of `total`, and every category's name."""

    connectors: tuple[Connector, ...]
    categories: tuple[str, ...]
    total: int
    returned: int


@dataclass(frozen=True, slots=True)
class ToolSwitchedResponse:
    """The response of *Update a tool's status*: the tool is now as it was asked to be."""

    tool_id: str
    tool_key: str
    is_enabled: bool
    message: str


@dataclass(frozen=True, slots=True)
class ServiceComponent:
    """A part of the API and its condition, both in the API's own words."""

    name: str
    status: str

    @property
    def is_well(self) -> bool:
        """Whether its status is a word for well, or for not in use."""
        return self.status.casefold() in _WELL_COMPONENT_STATUSES


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """What a health route answers: its status, "" where it gave none, and the parts it named."""

    status: str
    components: tuple[ServiceComponent, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether the API says that it is well: `ok` or `healthy`, in any letter case."""
        return self.status.casefold() in {"ok", "healthy"}


@dataclass(frozen=True, slots=True)
class CallInfo:
    """How a call went: what to quote to support, and what it cost."""

    request_id: str
    trace_id: str
    organization_id: str
    elapsed_ms: float = 0.0
    attempts: int = 1
    requests_sent: int = 1  # attempts of which something left us: what a limit may count
    date: str = ""  # the header as it came

    @property
    def server_time(self) -> datetime | None:
        """The moment of `date` (RFC 9110, 5.6.7), to the second; None where it cannot be read."""
        try:
            at = parsedate_to_datetime(self.date)
        except ValueError:
            return None
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ApiResponse(Generic[Value]):
    """A value and how it came."""

    value: Value
    info: CallInfo

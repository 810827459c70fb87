"""What the API answers, as typed values. Times are aware, in UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """The answer of *Get sync status*, as received; an interval of 0 means none."""

    total_tools: int
    enabled_tools: int
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    sync_interval_hours: int
    incremental_sync_enabled: bool


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of the public health route."""

    status: str


@dataclass(frozen=True, slots=True)
class CallInfo:
    """How a call went: what to quote to support, and what it cost."""

    http_status: int
    request_id: str
    trace_id: str
    organization_id: str
    processing_ms: float | None
    elapsed_ms: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """A value and how it came."""

    value: Value
    info: CallInfo

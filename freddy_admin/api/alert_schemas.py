"""What the JSON API takes and answers about incidents and their messages."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from freddy_admin.alerts.models import (
    CauseKind,
    ChannelKind,
    DeliveryKind,
    DeliveryState,
    IncidentEventKind,
    IncidentState,
    Severity,
)
from freddy_admin.api.schemas import LARGEST_ID
from freddy_admin.sync.health_states import HealthState

MAX_ROWS = 200
# The id of the last row of the part before; as text, so that it may become something else.
Cursor = Annotated[str | None, Field(pattern="^[1-9][0-9]{0,18}$")]
Slug = Annotated[str | None, Field(min_length=1, max_length=140, pattern="^[-a-zA-Z0-9_]+$")]
Limit = Annotated[int, Field(ge=1, le=MAX_ROWS)]


def cursor_id(cursor: str | None) -> int | None:
    """The id that a cursor stands for, None for the newest part."""
    return min(int(cursor), LARGEST_ID) if cursor else None


class IncidentStateChoice(StrEnum):
    """`unresolved` is open and acknowledged together."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"


class IncidentListQuery(Schema):
    """Which incidents, and which part of them."""

    cursor: Cursor = None
    limit: Limit = 50
    state: IncidentStateChoice | None = None
    severity: Severity | None = None
    organisation: Slug = None


class IncidentKeyOut(Schema):
    """A key in an incident: in which state it is or was, since when, until when."""

    key_id: int
    key_label: str
    state: HealthState
    began_at: datetime
    ended_at: datetime | None
    error_kind: str | None
    error_code: str | None
    error_http_status: int | None


class IncidentCauseOut(Schema):
    """What several incidents have in common; which others it links is not told."""

    kind: CauseKind
    opened_at: datetime
    resolved_at: datetime | None


class IncidentOut(Schema):
    """A span in which keys of one organisation were not well.

    `opened_at` and `resolved_at` are when that became true and ceased to be, `noticed_at` and
    `resolution_noticed_at` when the panel saw it. `health_state` is the worst of its keys' states.
    """

    uid: UUID
    number: int
    organisation: str
    organisation_slug: str
    state: IncidentState
    severity: Severity
    health_state: HealthState
    opened_at: datetime
    noticed_at: datetime
    resolved_at: datetime | None
    resolution_noticed_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assignee: str | None
    muted_until: datetime | None
    cause: IncidentCauseOut | None
    keys: list[IncidentKeyOut]


class IncidentListOut(Schema):
    """A part of the incidents, newest first; `next_cursor` leads to the older part."""

    incidents: list[IncidentOut]
    next_cursor: str | None


class IncidentEventOut(Schema):
    """One line of an incident's timeline. `actor` is empty for the panel itself."""

    id: int
    kind: IncidentEventKind
    at: datetime
    actor: str
    note: str
    details: dict[str, Any]


class IncidentDetailOut(IncidentOut):
    """An incident with its timeline, oldest first."""

    events: list[IncidentEventOut]


class DeliveryListQuery(Schema):
    """Which deliveries, and which part of them."""

    cursor: Cursor = None
    limit: Limit = 50
    state: DeliveryState | None = None
    channel: ChannelKind | None = None
    organisation: Slug = None
    incident: UUID | None = None


class DeliveryOut(Schema):
    """One incident told to one channel. `message_uid` is the same of all that one message told.

    `channel_id`, `channel` and `answer` are null for channels that are not the organisation's:
    those of the whole panel, which platform admins see. `answer` is what the other side said.
    """

    id: int
    incident_uid: UUID
    organisation: str
    organisation_slug: str
    channel_id: int | None
    channel_kind: ChannelKind
    channel: str | None
    kind: DeliveryKind
    number: int
    state: DeliveryState
    held_reason: str | None
    planned_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    message_uid: UUID | None
    attempts: int
    failure: str | None
    answer: str | None
    answer_status: int | None


class DeliveryListOut(Schema):
    """A part of the deliveries, newest first; `next_cursor` leads to the older part."""

    deliveries: list[DeliveryOut]
    next_cursor: str | None

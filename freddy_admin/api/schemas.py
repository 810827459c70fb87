"""What the JSON API takes and answers; the docstrings of the classes stand in its document."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool

from freddy_admin.sync.checks.requests import CheckRequestOutcome
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.cursor_pagination import TIMELINE_CURSOR_PATTERN
from freddy_admin.sync.models import EventKind, OperationKind
from freddy_admin.sync.models.operations import OperationState

LARGEST_ID = 2**63 - 1
MAX_EVENTS = 200
MAX_STATUSES = 1_000
DEFAULT_STATUSES = 200  # with a cursor alone


class EventGroup(StrEnum):
    """The words of `sync.history.timeline.EVENT_GROUPS`; a test holds the two together."""

    SYNCS = "syncs"
    SCHEDULE = "schedule"
    TOOLS = "tools"
    FAILURES = "failures"
    STATES = "states"
    PEOPLE = "people"


class ErrorDetailOut(Schema):
    """Why there is no answer, in one sentence."""

    detail: str


class InvalidFieldOut(Schema):
    """One value that cannot be taken, and why."""

    field: str
    message: str


class ValidationErrorOut(ErrorDetailOut):
    """Which values of the request cannot be taken."""

    fields: list[InvalidFieldOut]


class CheckErrorOut(Schema):
    """What Aitronos, or the way there, said instead of an answer."""

    code: str
    http_status: int | None
    message: str
    trace_id: str | None
    request_id: str | None
    kind: str


class StatusOut(Schema):
    """One key: its state, its last good figures, its latest finished check."""

    organisation: str
    organisation_slug: str
    key_id: int
    key_label: str
    state: HealthState
    state_since: datetime
    total_tools: int | None
    enabled_tools: int | None
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    sync_interval_hours: int | None
    incremental_sync_enabled: bool | None
    checked_at: datetime | None
    observed_at: datetime | None
    error: CheckErrorOut | None
    tags: list[str]
    organization_id: str | None
    owner: str | None
    environment: str


class StatusListQuery(Schema):
    """Which part of the keys, by their ids; with neither of the two, all of them at once."""

    cursor: Annotated[str | None, Field(pattern="^[0-9]{1,18}$")] = None
    limit: Annotated[int | None, Field(ge=1, le=MAX_STATUSES)] = None


class StatusListOut(Schema):
    """The keys the token sees. `next_cursor` stands in answers to `limit` and `cursor` alone."""

    generated_at: datetime
    statuses: list[StatusOut]
    next_cursor: str | None = None


class EventListQuery(Schema):
    """Which part of the history. `key` and `show` narrow it."""

    cursor: Annotated[str | None, Field(pattern=TIMELINE_CURSOR_PATTERN)] = None
    limit: Annotated[int, Field(ge=1, le=MAX_EVENTS)] = 50
    key: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None
    show: EventGroup | None = None


class EventOut(Schema):
    """One thing that happened. In `details` a changed value stands as [from, to]."""

    id: int
    kind: EventKind
    at: datetime
    noticed_at: datetime
    until: datetime | None
    key_id: int | None
    key_label: str
    actor: str
    details: dict[str, Any]


class EventListOut(Schema):
    """A part of the history, newest first; `next_cursor` leads to the older part."""

    events: list[EventOut]
    next_cursor: str | None


class CheckRequestOut(Schema):
    """What became of the wish: `asked` and `joined` mean that a result is on its way.

    `just_checked`: the present figures are it. `held`: Aitronos asked us to wait until then.
    """

    answer: CheckRequestOutcome
    held_until: datetime | None


class SyncRequestIn(Schema):
    """Of everything anew (`full`), or of what changed."""

    model_config = ConfigDict(extra="forbid")

    full: StrictBool = Field(default=False)


class OperationOut(Schema):
    """Something that was asked of Aitronos: sent once at most, and what came of it."""

    id: int
    kind: OperationKind
    state: OperationState
    organisation: str
    organisation_slug: str
    key_id: int
    key_label: str
    full: bool | None
    tool_key: str | None
    enable: bool | None
    requested_at: datetime
    requested_by: str
    sent_at: datetime | None
    finished_at: datetime | None
    confirmed_sync_at: datetime | None
    error: CheckErrorOut | None

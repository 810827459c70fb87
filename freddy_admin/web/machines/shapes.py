"""What the JSON API takes and answers, as its OpenAPI document tells it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool

from freddy_admin.sync.freshness import Answer
from freddy_admin.sync.history.paging import CURSOR_PATTERN
from freddy_admin.sync.models import EventKind, OrderKind
from freddy_admin.sync.models.orders import OrderState
from freddy_admin.sync.states import State

LARGEST_ID = 2**63 - 1
EVENTS_AT_MOST = 200


class Group(StrEnum):
    """The words of `sync.history.timeline.GROUPS`; a test holds the two together."""

    SYNCS = "syncs"
    SCHEDULE = "schedule"
    TOOLS = "tools"
    FAILURES = "failures"
    STATES = "states"
    PEOPLE = "people"


class Refusal(Schema):
    """Why there is no answer, in one sentence."""

    detail: str


class WrongField(Schema):
    """One value that cannot be taken, and why."""

    field: str
    message: str


class Unprocessable(Refusal):
    """Which values of the request cannot be taken."""

    fields: list[WrongField]


class ErrorOut(Schema):
    """What Aitronos, or the way there, said instead of an answer."""

    code: str
    http_status: int | None
    message: str
    trace_id: str | None


class StatusOut(Schema):
    """One key: its state, its last good figures, its latest finished check."""

    organisation: str
    organisation_slug: str
    key_id: int
    key_label: str
    state: State
    state_since: datetime
    total_tools: int | None
    enabled_tools: int | None
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    sync_interval_hours: int | None
    incremental_sync_enabled: bool | None
    checked_at: datetime | None
    observed_at: datetime | None
    error: ErrorOut | None


class StatusesOut(Schema):
    """All keys the token sees."""

    generated_at: datetime
    statuses: list[StatusOut]


class EventsAsk(Schema):
    """Which part of the history. `key` and `show` narrow it."""

    cursor: Annotated[str | None, Field(pattern=CURSOR_PATTERN)] = None
    limit: Annotated[int, Field(ge=1, le=EVENTS_AT_MOST)] = 50
    key: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None
    show: Group | None = None


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


class EventsOut(Schema):
    """A part of the history, newest first; `next_cursor` leads to the older part."""

    events: list[EventOut]
    next_cursor: str | None


class CheckOut(Schema):
    """What became of the wish: `asked` and `joined` mean that a result is on its way.

    `just_checked`: the present figures are it. `held`: Aitronos asked us to wait until then.
    """

    answer: Answer
    held_until: datetime | None


class SyncIn(Schema):
    """Of everything anew (`full`), or of what changed."""

    model_config = ConfigDict(extra="forbid")

    full: StrictBool = Field(default=False)


class OrderOut(Schema):
    """Something that was asked of Aitronos: sent once at most, and what came of it."""

    id: int
    kind: OrderKind
    state: OrderState
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
    error: ErrorOut | None

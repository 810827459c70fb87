"""The responses to remote operations: strict, for a figure that is wrong misleads."""

from typing import Final

from freddy_admin.aitronos.field_parsing import (
    STATUS_LENGTH,
    JsonObject,
    describe_value,
    parse_bool,
    parse_count,
    parse_optional_count,
    parse_optional_text,
    parse_text,
    unreadable_field_error,
)
from freddy_admin.aitronos.text_cleaning import ID_LENGTH, clean_text
from freddy_admin.aitronos.types import SyncStartedResponse, ToolSwitchedResponse

MESSAGE_LENGTH = 300
# Fields beside the job and its status: a sync without them was started all the same.
OPTIONAL_SYNC_FIELDS: Final = frozenset(
    {
        "tools_synced",
        "tools_created",
        "tools_updated",
        "tools_unchanged",
        "sync_mode",
        "message",
    }
)
_FAILED_STATUSES: Final = frozenset(
    {"failed", "failure", "error", "rejected", "cancelled", "canceled"}
)


def parse_sync_started(body: JsonObject) -> SyncStartedResponse:
    """The response of *Trigger connector sync*.

    Raises UnreadableResponse with the field; with `status` also where that says that it failed.
    """
    job_id = parse_text(body, "job_id", ID_LENGTH)
    status = parse_text(body, "status", STATUS_LENGTH)
    if status.casefold() in _FAILED_STATUSES:
        raise unreadable_field_error(
            "status", f"{describe_value(status)}, with the HTTP status of success"
        )
    return SyncStartedResponse(
        job_id=job_id,
        status=status,
        tools_synced=parse_count(body, "tools_synced"),
        tools_created=parse_count(body, "tools_created"),
        tools_updated=parse_count(body, "tools_updated"),
        tools_unchanged=parse_optional_count(body, "tools_unchanged"),
        sync_mode=parse_optional_text(body, "sync_mode", STATUS_LENGTH),
        message=parse_optional_text(body, "message", MESSAGE_LENGTH),
    )


def parse_tool_switched(body: JsonObject, *, tool_key: str, enabled: bool) -> ToolSwitchedResponse:
    """The response of *Update a tool's status*, which must name the tool and the state asked for.

    Raises UnreadableResponse with the field.
    """
    named_key = parse_text(body, "tool_key", ID_LENGTH)
    if named_key.casefold() != clean_text(tool_key, ID_LENGTH).casefold():
        raise unreadable_field_error(
            "tool_key", f"{describe_value(named_key)}, though another tool was asked for"
        )
    is_enabled = parse_bool(body, "is_enabled")
    if is_enabled is not enabled:
        raise unreadable_field_error(
            "is_enabled", f"{describe_value(is_enabled)}, though the opposite was asked"
        )
    return ToolSwitchedResponse(
        tool_id=parse_optional_text(body, "tool_id", ID_LENGTH),
        tool_key=named_key,
        is_enabled=is_enabled,
        message=parse_optional_text(body, "message", MESSAGE_LENGTH),
    )

"""The answers to what changes something: strict as well, for a figure that is wrong misleads."""

from typing import Final

from freddy_admin.aitronos.fields import (
    STATUS_LENGTH,
    Told,
    count,
    count_if_told,
    flag,
    shown,
    text,
    text_if_told,
    unreadable,
)
from freddy_admin.aitronos.text import ID_LENGTH, cleaned
from freddy_admin.aitronos.types import SyncStarted, ToolSwitched

MESSAGE_LENGTH = 300
# What a sync says beside its job and how that ended: without them it was done all the same.
SYNC_FIGURES: Final = frozenset(
    {
        "tools_synced",
        "tools_created",
        "tools_updated",
        "tools_unchanged",
        "sync_mode",
        "message",
    }
)
_NOT_DONE: Final = frozenset({"failed", "failure", "error", "rejected", "cancelled", "canceled"})


def sync_started(told: Told) -> SyncStarted:
    """The answer of *Trigger connector sync*.

    Raises UnreadableAnswer with the field; with `status` also where that says that it failed.
    """
    job_id, status = text(told, "job_id", ID_LENGTH), text(told, "status", STATUS_LENGTH)
    if status.casefold() in _NOT_DONE:
        raise unreadable("status", f"{shown(status)}, with the HTTP status of success")
    return SyncStarted(
        job_id=job_id,
        status=status,
        tools_synced=count(told, "tools_synced"),
        tools_created=count(told, "tools_created"),
        tools_updated=count(told, "tools_updated"),
        tools_unchanged=count_if_told(told, "tools_unchanged"),
        sync_mode=text_if_told(told, "sync_mode", STATUS_LENGTH),
        message=text_if_told(told, "message", MESSAGE_LENGTH),
    )


def tool_switched(told: Told, *, tool_key: str, enabled: bool) -> ToolSwitched:
    """The answer of *Update a tool's status*, which must name the tool and the state asked for.

    Raises UnreadableAnswer with the field.
    """
    named = text(told, "tool_key", ID_LENGTH)
    if named.casefold() != cleaned(tool_key, ID_LENGTH).casefold():
        raise unreadable("tool_key", f"{shown(named)}, though another tool was asked for")
    is_enabled = flag(told, "is_enabled")
    if is_enabled is not enabled:
        raise unreadable("is_enabled", f"{shown(is_enabled)}, though the opposite was asked")
    return ToolSwitched(
        tool_id=text_if_told(told, "tool_id", ID_LENGTH),
        tool_key=named,
        is_enabled=is_enabled,
        message=text_if_told(told, "message", MESSAGE_LENGTH),
    )

"""The answers to what changes something: strict as well, for a figure that is wrong misleads."""

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
from freddy_admin.aitronos.text import ID_LENGTH
from freddy_admin.aitronos.types import SyncStarted, ToolSwitched

MESSAGE_LENGTH = 300


def sync_started(told: Told) -> SyncStarted:
    """The answer of *Trigger connector sync*. Raises UnreadableAnswer with the field."""
    return SyncStarted(
        job_id=text(told, "job_id", ID_LENGTH),
        status=text(told, "status", STATUS_LENGTH),
        tools_synced=count(told, "tools_synced"),
        tools_created=count(told, "tools_created"),
        tools_updated=count(told, "tools_updated"),
        tools_unchanged=count_if_told(told, "tools_unchanged"),
        sync_mode=text_if_told(told, "sync_mode", STATUS_LENGTH),
        message=text_if_told(told, "message", MESSAGE_LENGTH),
    )


def tool_switched(told: Told, *, asked: bool) -> ToolSwitched:
    """The answer of *Update a tool's status*, which must say what was `asked`.

    Raises UnreadableAnswer with the field.
    """
    is_enabled = flag(told, "is_enabled")
    if is_enabled is not asked:
        raise unreadable("is_enabled", f"{shown(is_enabled)}, though the opposite was asked")
    return ToolSwitched(
        tool_id=text_if_told(told, "tool_id", ID_LENGTH),
        tool_key=text(told, "tool_key", ID_LENGTH),
        is_enabled=is_enabled,
        message=text_if_told(told, "message", MESSAGE_LENGTH),
    )

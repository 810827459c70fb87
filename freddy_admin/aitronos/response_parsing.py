"""A 200's body as typed values: strict, because a wrong figure is worse than none."""

from typing import Final

from freddy_admin.aitronos.json_parsing import (
    LARGEST_COUNT,
    STATUS_LENGTH,
    JsonObject,
    describe_value,
    free_text,
    iterate_objects,
    parse_bool,
    parse_count,
    parse_optional_count,
    parse_optional_datetime,
    parse_optional_text,
    parse_optional_texts,
    parse_text,
    unreadable_field_error,
)
from freddy_admin.aitronos.text_cleaning import ID_LENGTH, clean_text
from freddy_admin.aitronos.types import (
    AuthConfig,
    AuthConfigList,
    Connector,
    ConnectorPage,
    ServiceComponent,
    ServiceHealth,
    SyncStartedResponse,
    SyncStatusResponse,
    ToolSwitchedResponse,
)

NAME_LENGTH, DESCRIPTION_LENGTH, CATEGORY_LENGTH = 120, 300, 64
MESSAGE_LENGTH = 300
MAX_HEALTH_COMPONENTS = 20
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


def parse_sync_status(body: JsonObject) -> SyncStatusResponse:
    """The response of *Get sync status*. Raises UnreadableResponse with the field."""
    return SyncStatusResponse(
        total_tools=parse_count(body, "total_tools"),
        enabled_tools=parse_count(body, "enabled_tools"),
        last_sync_at=parse_optional_datetime(body, "last_sync_at"),
        next_sync_at=parse_optional_datetime(body, "next_sync_at"),
        sync_interval_hours=parse_count(body, "sync_interval_hours"),
        incremental_sync_enabled=parse_bool(body, "incremental_sync_enabled"),
    )


def parse_health(body: JsonObject) -> ServiceHealth:
    """The answer of a health route, whatever its shape: what cannot be read is left out.

    Components stand in `components` or `services`, as a list of objects or as an object by name.
    """
    components = []
    for name, value in _health_component_values(body.get("components") or body.get("services")):
        status = value.get("status") if isinstance(value, dict) else value
        component = ServiceComponent(clean_text(name, STATUS_LENGTH), _health_status_text(status))
        if component.name and component.status:
            components.append(component)
    return ServiceHealth(_health_status_text(body.get("status")), tuple(components))


def _health_component_values(value: object) -> list[tuple[object, object]]:
    if isinstance(value, dict):
        return list(value.items())[:MAX_HEALTH_COMPONENTS]
    items = value[:MAX_HEALTH_COMPONENTS] if isinstance(value, list) else []
    return [(item.get("name"), item) for item in items if isinstance(item, dict)]


def _health_status_text(value: object) -> str:
    if isinstance(value, bool):
        return "healthy" if value else "unhealthy"
    return clean_text(value, STATUS_LENGTH)


def parse_auth_configs(body: JsonObject) -> AuthConfigList:
    """The response of *List auth configs*. Raises UnreadableResponse with the field."""
    items = tuple(
        _parse_auth_config(item, prefix) for prefix, item in iterate_objects(body, "auth_configs")
    )
    total = body.get("total")
    # The number of a list without pages: nothing hangs on it.
    if type(total) is not int or not 0 <= total <= LARGEST_COUNT:
        total = len(items)
    return AuthConfigList(items=items, total=total)


def parse_connector_page(body: JsonObject) -> ConnectorPage:
    """The response of *List available connectors*. Raises UnreadableResponse with the field."""
    return ConnectorPage(
        connectors=tuple(
            _parse_connector(item, prefix) for prefix, item in iterate_objects(body, "connectors")
        ),
        categories=parse_optional_texts(body, "categories", CATEGORY_LENGTH),
        total=parse_count(body, "total"),
        returned=parse_count(body, "returned"),
    )


def _parse_auth_config(item: JsonObject, prefix: str) -> AuthConfig:
    return AuthConfig(
        id=parse_text(item, "id", ID_LENGTH, prefix),
        toolkit=free_text(item, "toolkit", NAME_LENGTH),
        type=free_text(item, "type", CATEGORY_LENGTH),
        created_at=free_text(item, "created_at", CATEGORY_LENGTH),
    )


def _parse_connector(item: JsonObject, prefix: str) -> Connector:
    is_connected = item.get("is_connected")
    return Connector(
        id=parse_text(item, "id", ID_LENGTH, prefix),
        tool_key=parse_text(item, "tool_key", ID_LENGTH, prefix),
        display_name=parse_text(item, "display_name", NAME_LENGTH, prefix),
        description=free_text(item, "description", DESCRIPTION_LENGTH),
        category=free_text(item, "category", CATEGORY_LENGTH),
        is_connected=is_connected if isinstance(is_connected, bool) else None,
        connection_id=free_text(item, "connection_id", ID_LENGTH),
        release_channel=free_text(item, "release_channel", CATEGORY_LENGTH),
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

"""The calls beside *Get sync status*, each with the response the API page promises."""

from collections.abc import Callable
from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.types import ApiResponse
from tests.aitronos.conftest import KEY

SYNC_STARTED_BODY: dict[str, Any] = {
    "job_id": "sync_1",
    "status": "completed",
    "tools_synced": 42,
    "tools_created": 1,
    "tools_updated": 2,
    "tools_unchanged": 39,
    "sync_mode": "incremental",
    "message": "Done.",
}
TOOL_SWITCHED_BODY: dict[str, Any] = {
    "tool_id": "tool_1",
    "tool_key": "gmail",
    "is_enabled": False,
    "message": "Tool disabled.",
}
AUTH_CONFIG_BODY: dict[str, Any] = {
    "id": "ac_1",
    "toolkit": "gmail",
    "type": "default",
    "created_at": "2025-11-15T10:30:00Z",
}
AUTH_CONFIGS_BODY: dict[str, Any] = {"auth_configs": [AUTH_CONFIG_BODY], "total": 1}
CONNECTOR_BODY: dict[str, Any] = {
    "id": "tool_1",
    "tool_key": "gmail",
    "display_name": "Gmail",
    "description": "Mail.",
    "category": "communication",
    "icon_url": "https://example.invalid/gmail.png",
    "is_connected": True,
    "connection_id": "conn_1",
    "release_channel": "stable",
}
CONNECTOR_PAGE_BODY: dict[str, Any] = {
    "connectors": [CONNECTOR_BODY],
    "categories": ["communication", "crm"],
    "total": 30,
    "returned": 1,
}

Call = Callable[..., ApiResponse[Any]]


def start_sync(client: AitronosClient, key: str = KEY) -> ApiResponse[Any]:
    return client.start_sync(secret=key, full=True, read_timeout=5)


def switch_tool(client: AitronosClient, key: str = KEY) -> ApiResponse[Any]:
    return client.switch_tool(secret=key, tool_key="gmail", enabled=False)


def list_auth_configs(client: AitronosClient, key: str = KEY) -> ApiResponse[Any]:
    return client.list_auth_configs(secret=key)


def list_connectors(client: AitronosClient, key: str = KEY) -> ApiResponse[Any]:
    return client.list_connectors(secret=key)


OPERATION_CALLS: dict[str, tuple[Call, dict[str, Any]]] = {
    "start_sync": (start_sync, SYNC_STARTED_BODY),
    "switch_tool": (switch_tool, TOOL_SWITCHED_BODY),
}
CATALOG_CALLS: dict[str, tuple[Call, dict[str, Any]]] = {
    "list_auth_configs": (list_auth_configs, AUTH_CONFIGS_BODY),
    "list_connectors": (list_connectors, CONNECTOR_PAGE_BODY),
}
ALL_CALLS = OPERATION_CALLS | CATALOG_CALLS


def error_of(call: Call, client: AitronosClient, *arguments: str) -> AitronosError:
    """The error that this call ends in."""
    with pytest.raises(AitronosError) as excinfo:
        call(client, *arguments)
    return excinfo.value

"""The routes of the API page, for a healthy key; `SandboxApi` adds the faults of scenarios."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from freddy_admin.sandbox import api_errors
from freddy_admin.sandbox.key_scenarios import ParsedKey
from freddy_admin.sandbox.responses import (
    SandboxResponse,
    error_response,
    format_timestamp,
    json_response,
)
from freddy_admin.sandbox.sandbox_state import SandboxState
from freddy_admin.sandbox.sync_figures import (
    DAY,
    is_incremental,
    stable_number,
    sync_times_at,
    tool_counts_at,
)
from freddy_admin.sandbox.tool_catalog import SandboxTool, tools_for_seed

_MOST_CONNECTORS = 100
HEALTH_COMPONENTS = ("database", "redis_cache", "limit_enforcement", "qdrant_vector_store")
# Most are public; which one a tool is in is always the same.
_RELEASE_CHANNELS = ("public", "public", "public", "beta", "alpha")


@dataclass(frozen=True, slots=True)
class RouteCall:
    """One request of one known key, and what its handler needs."""

    secret: str = field(repr=False)
    key: ParsedKey
    now: datetime
    state: SandboxState
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    tool_key: str = ""
    sync_seconds: float = 0.0

    def tools(self) -> dict[str, tuple[SandboxTool, bool]]:
        """Every tool of this key and whether it is on, by its key."""
        counts = tool_counts_at(self.key, self.now)
        tool_overrides = self.state.tool_overrides(self.secret)
        return {
            tool.tool_key: (tool, tool_overrides.get(tool.tool_key, index < counts.enabled))
            for index, tool in enumerate(tools_for_seed(self.key.seed, counts.total))
        }

    def validation_error_response(self, location: str, name: str, message: str) -> SandboxResponse:
        detail = {"loc": [location, name], "msg": message, "type": "value_error"}
        return error_response(api_errors.INVALID_INPUT, self.now, details={"errors": [detail]})


def get_sync_status(call: RouteCall) -> SandboxResponse:
    counts = tool_counts_at(call.key, call.now)
    enabled = counts.enabled
    if call.state.tool_overrides(call.secret):
        enabled = sum(enabled for _, enabled in call.tools().values())
    times = sync_times_at(call.key, call.now, call.state.sync_end_times(call.secret))
    return json_response(
        {
            "total_tools": counts.total,
            "enabled_tools": enabled,
            "last_sync_at": format_timestamp(times.last_sync_at),
            "next_sync_at": format_timestamp(times.next_sync_at),
            "sync_interval_hours": times.interval_hours,
            "incremental_sync_enabled": is_incremental(call.key),
        }
    )


def trigger_sync(call: RouteCall) -> SandboxResponse:
    """The response comes when the sync is over; until then the status shows the former times."""
    full_sync_value = call.query.get("force_full_sync", "false").lower()
    if full_sync_value not in {"true", "false", "1", "0"}:
        return call.validation_error_response(
            "query", "force_full_sync", "value is not a valid boolean"
        )
    is_full_sync = full_sync_value in {"true", "1"} or not is_incremental(call.key)
    ends_at = call.now + timedelta(seconds=call.sync_seconds)
    call.state.record_sync_start(call.secret, ends_at=ends_at.replace(microsecond=0))
    total = tool_counts_at(call.key, call.now).total
    job_number = stable_number(f"{call.key.seed}:{call.now.isoformat()}", "job")
    created_count = 0 if is_full_sync else job_number % 3
    updated_count = total if is_full_sync else (job_number >> 4) % (total - created_count + 1)
    payload = {
        "job_id": f"sync_{job_number:012x}",
        "status": "completed",
        "tools_synced": total,
        "tools_created": created_count,
        "tools_updated": updated_count,
        "tools_unchanged": total - created_count - updated_count,
        "sync_mode": "full" if is_full_sync else "incremental",
        "message": "Connector sync completed.",
    }
    return replace(json_response(payload), delay_seconds=call.sync_seconds)


def list_auth_configs(call: RouteCall) -> SandboxResponse:
    tools = [tool for tool, enabled in call.tools().values() if enabled]
    configs = [
        {
            "id": f"ac_{stable_number(call.key.seed, f'auth:{tool.tool_key}'):012x}",
            "toolkit": tool.tool_key,
            "type": "custom" if index % 4 == 3 else "default",
            "created_at": format_timestamp(_auth_config_created_at(call, index)),
        }
        for index, tool in enumerate(tools[:12])
    ]
    return json_response({"auth_configs": configs, "total": len(configs)})


def update_tool_status(call: RouteCall) -> SandboxResponse:
    if call.tool_key not in call.tools():
        details: dict[str, object] = {"tool_key": call.tool_key}
        return error_response(api_errors.UNKNOWN_TOOL, call.now, details=details)
    try:
        payload = json.loads(call.body)
    except ValueError:
        return call.validation_error_response("body", "is_enabled", "the body is not JSON")
    enabled = payload.get("is_enabled") if isinstance(payload, dict) else None
    if not isinstance(enabled, bool):
        return call.validation_error_response("body", "is_enabled", "value is not a valid boolean")
    call.state.set_tool_enabled(call.secret, call.tool_key, enabled=enabled)
    return json_response(
        {
            "tool_id": _tool_id(call.tool_key),
            "tool_key": call.tool_key,
            "is_enabled": enabled,
            "message": f"Tool {'enabled' if enabled else 'disabled'}.",
        }
    )


def list_connectors(call: RouteCall) -> SandboxResponse:
    if call.query.get("organization_id", call.key.organization_id) != call.key.organization_id:
        return error_response(api_errors.OTHER_ORGANISATION, call.now)
    limit, offset = call.query.get("limit", "50"), call.query.get("offset", "0")
    for name, value in (("limit", limit), ("offset", offset)):
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            return call.validation_error_response("query", name, "value is not a valid integer")
    if not 1 <= int(limit) <= _MOST_CONNECTORS:
        return call.validation_error_response(
            "query", "limit", f"must be from 1 to {_MOST_CONNECTORS}"
        )
    enabled_tools = [tool for tool, enabled in call.tools().values() if enabled]
    search_word, category = call.query.get("q", "").lower(), call.query.get("category", "")
    matching_tools = [
        tool
        for tool in enabled_tools
        if search_word in tool.tool_key and (not category or tool.category == category)
    ]
    page = matching_tools[int(offset) : int(offset) + int(limit)]
    return json_response(
        {
            "connectors": [_connector_payload(call, tool) for tool in page],
            "categories": sorted({tool.category for tool in enabled_tools}),
            "total": len(matching_tools),
            "returned": len(page),
        }
    )


def get_health() -> SandboxResponse:
    return json_response({"status": "ok"})


def get_health_details() -> SandboxResponse:
    components = [{"name": name, "status": "healthy"} for name in HEALTH_COMPONENTS]
    return json_response({"status": "ok", "components": components})


def _connector_payload(call: RouteCall, tool: SandboxTool) -> dict[str, object]:
    is_connected = stable_number(call.key.seed, f"connected:{tool.tool_key}") % 3 == 0
    return {
        "id": _tool_id(tool.tool_key),
        "tool_key": tool.tool_key,
        "display_name": tool.display_name,
        "description": f"Connect {tool.display_name} to your organization.",
        "category": tool.category,
        "icon_url": None,
        "is_connected": is_connected,
        "connection_id": f"conn_{stable_number(call.key.seed, tool.tool_key):012x}"
        if is_connected
        else None,
        "release_channel": _RELEASE_CHANNELS[
            stable_number(tool.tool_key, "channel") % len(_RELEASE_CHANNELS)
        ],
    }


def _tool_id(tool_key: str) -> str:
    return f"tool_{stable_number(tool_key, 'tool'):012x}"


def _auth_config_created_at(call: RouteCall, index: int) -> datetime:
    start_of_year = call.now.replace(month=1, day=1, hour=9, minute=0, second=0, microsecond=0)
    return start_of_year - (30 + stable_number(call.key.seed, f"created:{index}") % 300) * DAY

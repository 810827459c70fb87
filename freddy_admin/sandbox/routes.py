"""The routes of the API page, for a key that is well; faults are laid over them elsewhere."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from freddy_admin.sandbox import refusals
from freddy_admin.sandbox.answers import Answer, error_answer, json_answer, timestamp
from freddy_admin.sandbox.catalogue import Tool, tools_of
from freddy_admin.sandbox.figures import DAY, counts_at, incremental, number, times_at
from freddy_admin.sandbox.memory import Memory
from freddy_admin.sandbox.scenarios import ParsedKey

_MOST_CONNECTORS = 100


@dataclass(frozen=True, slots=True)
class Call:
    """One request of one known key, and what answering it needs."""

    secret: str = field(repr=False)
    key: ParsedKey
    now: datetime
    memory: Memory
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    tool_key: str = ""
    sync_seconds: float = 0.0

    def tools(self) -> dict[str, tuple[Tool, bool]]:
        """Every tool of this key and whether it is on, by its key."""
        counts = counts_at(self.key, self.now)
        switched = self.memory.switched(self.secret)
        return {
            tool.tool_key: (tool, switched.get(tool.tool_key, index < counts.enabled))
            for index, tool in enumerate(tools_of(self.key.seed, counts.total))
        }

    def invalid(self, place: str, name: str, problem: str) -> Answer:
        fault = {"loc": [place, name], "msg": problem, "type": "value_error"}
        return error_answer(refusals.INVALID_INPUT, self.now, details={"errors": [fault]})


def sync_status(call: Call) -> Answer:
    counts = counts_at(call.key, call.now)
    enabled = counts.enabled
    if call.memory.switched(call.secret):
        enabled = sum(on for _, on in call.tools().values())
    times = times_at(call.key, call.now, call.memory.syncs(call.secret))
    return json_answer(
        {
            "total_tools": counts.total,
            "enabled_tools": enabled,
            "last_sync_at": timestamp(times.last),
            "next_sync_at": timestamp(times.next),
            "sync_interval_hours": times.hours,
            "incremental_sync_enabled": incremental(call.key),
        }
    )


def trigger_sync(call: Call) -> Answer:
    """Answers when the sync is over; until then the status shows the former times."""
    asked = call.query.get("force_full_sync", "false").lower()
    if asked not in {"true", "false", "1", "0"}:
        return call.invalid("query", "force_full_sync", "value is not a valid boolean")
    full = asked in {"true", "1"} or not incremental(call.key)
    ends = call.now + timedelta(seconds=call.sync_seconds)
    call.memory.start_sync(call.secret, ends=ends.replace(microsecond=0))
    total = counts_at(call.key, call.now).total
    job = number(f"{call.key.seed}:{call.now.isoformat()}", "job")
    created = 0 if full else job % 3
    updated = total if full else (job >> 4) % (total - created + 1)
    payload = {
        "job_id": f"sync_{job:012x}",
        "status": "completed",
        "tools_synced": total,
        "tools_created": created,
        "tools_updated": updated,
        "tools_unchanged": total - created - updated,
        "sync_mode": "full" if full else "incremental",
        "message": "Connector sync completed.",
    }
    return Answer(
        200,
        json.dumps(payload).encode(),
        {"Content-Type": "application/json"},
        delay_seconds=call.sync_seconds,
    )


def auth_configs(call: Call) -> Answer:
    tools = [tool for tool, on in call.tools().values() if on]
    configs = [
        {
            "id": f"ac_{number(call.key.seed, f'auth:{tool.tool_key}'):012x}",
            "toolkit": tool.tool_key,
            "type": "custom" if index % 4 == 3 else "default",
            "created_at": timestamp(_long_ago(call, index)),
        }
        for index, tool in enumerate(tools[:12])
    ]
    return json_answer({"auth_configs": configs, "total": len(configs)})


def tool_status(call: Call) -> Answer:
    if call.tool_key not in call.tools():
        details: dict[str, object] = {"tool_key": call.tool_key}
        return error_answer(refusals.UNKNOWN_TOOL, call.now, details=details)
    try:
        wanted = json.loads(call.body)
    except ValueError:
        return call.invalid("body", "is_enabled", "the body is not JSON")
    enabled = wanted.get("is_enabled") if isinstance(wanted, dict) else None
    if not isinstance(enabled, bool):
        return call.invalid("body", "is_enabled", "value is not a valid boolean")
    call.memory.switch(call.secret, call.tool_key, enabled=enabled)
    return json_answer(
        {
            "tool_id": _tool_id(call.tool_key),
            "tool_key": call.tool_key,
            "is_enabled": enabled,
            "message": f"Tool {'enabled' if enabled else 'disabled'}.",
        }
    )


def connectors(call: Call) -> Answer:
    if call.query.get("organization_id", call.key.organization_id) != call.key.organization_id:
        return error_answer(refusals.OTHER_ORGANISATION, call.now)
    limit, offset = call.query.get("limit", "50"), call.query.get("offset", "0")
    for name, value in (("limit", limit), ("offset", offset)):
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            return call.invalid("query", name, "value is not a valid integer")
    if not 1 <= int(limit) <= _MOST_CONNECTORS:
        return call.invalid("query", "limit", f"must be from 1 to {_MOST_CONNECTORS}")
    listed = [tool for tool, on in call.tools().values() if on]
    wanted, category = call.query.get("q", "").lower(), call.query.get("category", "")
    matching = [
        tool
        for tool in listed
        if wanted in tool.tool_key and (not category or tool.category == category)
    ]
    page = matching[int(offset) : int(offset) + int(limit)]
    return json_answer(
        {
            "connectors": [_connector(call, tool) for tool in page],
            "categories": sorted({tool.category for tool in listed}),
            "total": len(matching),
            "returned": len(page),
        }
    )


def health() -> Answer:
    return json_answer({"status": "ok"})


def health_details() -> Answer:
    components = [{"name": name, "status": "ok"} for name in ("database", "cache", "queue")]
    return json_answer({"status": "ok", "components": components})


def _connector(call: Call, tool: Tool) -> dict[str, object]:
    connected = number(call.key.seed, f"connected:{tool.tool_key}") % 3 == 0
    return {
        "id": _tool_id(tool.tool_key),
        "tool_key": tool.tool_key,
        "display_name": tool.display_name,
        "description": f"Connect {tool.display_name} to your organization.",
        "category": tool.category,
        "icon_url": None,
        "is_connected": connected,
        "connection_id": f"conn_{number(call.key.seed, tool.tool_key):012x}" if connected else None,
        "release_channel": "stable",
    }


def _tool_id(tool_key: str) -> str:
    return f"tool_{number(tool_key, 'tool'):012x}"


def _long_ago(call: Call, index: int) -> datetime:
    start = call.now.replace(month=1, day=1, hour=9, minute=0, second=0, microsecond=0)
    return start - (30 + number(call.key.seed, f"created:{index}") % 300) * DAY

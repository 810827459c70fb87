import json
import re

import pytest

from freddy_admin.sandbox.key_scenarios import (
    Scenario,
    organization_id_from_sandbox_key,
    sandbox_key,
)
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.sandbox.conftest import STATUS_PATH, TRIGGER_SYNC_PATH, AskSandbox

KEY = sandbox_key(Scenario.HEALTHY, "Oak")
AUTH_CONFIGS_PATH = "/v1/admin/composio/auth-configs"
CONNECTORS_PATH = "/v1/personal-connectors/available"


def tool_path(tool_key: str) -> str:
    return f"/v1/admin/composio/tools/{tool_key}/status"


def test_sync_status_has_the_documented_fields(ask_sandbox: AskSandbox) -> None:
    status = ask_sandbox(key=KEY).json
    assert {name: type(value) for name, value in status.items()} == {
        "total_tools": int,
        "enabled_tools": int,
        "last_sync_at": str,
        "next_sync_at": str,
        "sync_interval_hours": int,
        "incremental_sync_enabled": bool,
    }
    assert 0 < status["enabled_tools"] <= status["total_tools"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["last_sync_at"])


def test_response_carries_the_api_headers(ask_sandbox: AskSandbox) -> None:
    headers = ask_sandbox(key=KEY).headers
    assert headers["Content-Type"] == "application/json"
    assert headers["x-request-id"].startswith("req_")
    assert headers["freddy-processing-ms"].isdecimal()
    assert headers["freddy-api-version"]
    assert headers["aitronos-organization"] == organization_id_from_sandbox_key(KEY)


def test_full_sync_updates_every_tool(ask_sandbox: AskSandbox) -> None:
    total = ask_sandbox(key=KEY).json["total_tools"]
    payload = ask_sandbox(f"{TRIGGER_SYNC_PATH}?force_full_sync=true", key=KEY, method="POST").json
    assert payload["sync_mode"] == "full"
    assert payload["tools_synced"] == payload["tools_updated"] == total
    assert payload["tools_unchanged"] == payload["tools_created"] == 0
    assert payload["job_id"]
    assert payload["status"] == "completed"


def test_incremental_sync_counts_unchanged_tools(ask_sandbox: AskSandbox) -> None:
    keys = [sandbox_key(Scenario.HEALTHY, f"Oak {number}") for number in range(12)]
    key = next(key for key in keys if ask_sandbox(key=key).json["incremental_sync_enabled"])
    payload = ask_sandbox(TRIGGER_SYNC_PATH, key=key, method="POST").json
    assert payload["sync_mode"] == "incremental"
    count_names = ("tools_created", "tools_updated", "tools_unchanged")
    assert sum(payload[count_name] for count_name in count_names) == payload["tools_synced"]


def test_wrong_force_full_sync_is_a_validation_error(ask_sandbox: AskSandbox) -> None:
    reply = ask_sandbox(f"{TRIGGER_SYNC_PATH}?force_full_sync=perhaps", key=KEY, method="POST")
    assert (reply.status, reply.error["code"]) == (422, "VALIDATION_ERROR")
    assert reply.error["details"]["errors"][0]["loc"] == ["query", "force_full_sync"]


def test_auth_configs_come_with_their_number(ask_sandbox: AskSandbox) -> None:
    payload = ask_sandbox(AUTH_CONFIGS_PATH, key=KEY).json
    assert payload["total"] == len(payload["auth_configs"]) > 0
    assert set(payload["auth_configs"][0]) == {"id", "toolkit", "type", "created_at"}


def test_switching_a_tool_off_takes_it_from_the_list_and_the_count(ask_sandbox: AskSandbox) -> None:
    key = sandbox_key(Scenario.HEALTHY, "Switches")
    enabled = ask_sandbox(key=key).json["enabled_tools"]
    tool = ask_sandbox(CONNECTORS_PATH, key=key).json["connectors"][0]["tool_key"]
    switched = ask_sandbox(
        tool_path(tool), key=key, method="PATCH", body=b'{"is_enabled": false}'
    ).json
    assert (switched["tool_key"], switched["is_enabled"]) == (tool, False)
    assert switched["tool_id"]
    assert switched["message"]
    assert ask_sandbox(key=key).json["enabled_tools"] == enabled - 1
    connectors = ask_sandbox(f"{CONNECTORS_PATH}?limit=100", key=key).json["connectors"]
    assert tool not in {item["tool_key"] for item in connectors}
    ask_sandbox(tool_path(tool), key=key, method="PATCH", body=b'{"is_enabled": true}')
    assert ask_sandbox(key=key).json["enabled_tools"] == enabled


def test_unknown_tool_is_not_found(ask_sandbox: AskSandbox) -> None:
    reply = ask_sandbox(
        tool_path("no%20such"), key=KEY, method="PATCH", body=b'{"is_enabled": true}'
    )
    assert (reply.status, reply.error["details"]) == (404, {"tool_key": "no such"})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"is_enabled": 1}'])
def test_wrong_body_of_a_tool_switch_is_a_validation_error(
    ask_sandbox: AskSandbox, body: bytes
) -> None:
    tool = ask_sandbox(CONNECTORS_PATH, key=KEY).json["connectors"][0]["tool_key"]
    reply = ask_sandbox(tool_path(tool), key=KEY, method="PATCH", body=body)
    assert (reply.status, reply.error["code"]) == (422, "VALIDATION_ERROR")


def test_connectors_are_paged(ask_sandbox: AskSandbox) -> None:
    key = sandbox_key(Scenario.HEALTHY, "Pages")
    all_connectors = ask_sandbox(f"{CONNECTORS_PATH}?limit=100", key=key).json
    page = ask_sandbox(f"{CONNECTORS_PATH}?limit=2&offset=1", key=key).json
    assert page["connectors"] == all_connectors["connectors"][1:3]
    assert page["total"] == all_connectors["total"] == all_connectors["returned"]
    assert page["returned"] == len(page["connectors"])


def test_connectors_are_searched_by_word_and_category(ask_sandbox: AskSandbox) -> None:
    first_connector = ask_sandbox(CONNECTORS_PATH, key=KEY).json["connectors"][0]
    by_word = ask_sandbox(
        f"{CONNECTORS_PATH}?q={first_connector['tool_key'].upper()}", key=KEY
    ).json
    assert first_connector in by_word["connectors"]
    by_category = ask_sandbox(
        f"{CONNECTORS_PATH}?category={first_connector['category']}", key=KEY
    ).json
    assert {item["category"] for item in by_category["connectors"]} == {first_connector["category"]}
    assert ask_sandbox(f"{CONNECTORS_PATH}?q=no-such-thing", key=KEY).json["total"] == 0


def test_connectors_of_another_organisation_are_refused(ask_sandbox: AskSandbox) -> None:
    own_organization_id = organization_id_from_sandbox_key(KEY)
    assert (
        ask_sandbox(f"{CONNECTORS_PATH}?organization_id={own_organization_id}", key=KEY).status
        == 200
    )
    reply = ask_sandbox(f"{CONNECTORS_PATH}?organization_id=org_other", key=KEY)
    assert (reply.status, reply.error["code"]) == (403, "ORGANIZATION_ACCESS_DENIED")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "offset=1.5"])
def test_wrong_offset_or_limit_is_a_validation_error(ask_sandbox: AskSandbox, query: str) -> None:
    assert ask_sandbox(f"{CONNECTORS_PATH}?{query}", key=KEY).status == 422


def test_health_route_needs_no_key(ask_sandbox: AskSandbox) -> None:
    assert ask_sandbox("/v1/health/").json == {"status": "ok"}
    details = ask_sandbox("/v1/health/details").json
    assert details["status"] == "ok"
    assert {component["name"]: component["status"] for component in details["components"]} == {
        "database": "healthy",
        "redis_cache": "healthy",
        "limit_enforcement": "healthy",
        "qdrant_vector_store": "healthy",
    }


def test_connectors_are_in_the_release_channels_of_the_api(ask_sandbox: AskSandbox) -> None:
    connectors = ask_sandbox(f"{CONNECTORS_PATH}?limit=100", key=KEY).json["connectors"]
    assert {connector["release_channel"] for connector in connectors} == {
        "public",
        "beta",
        "alpha",
    }


def test_answers_name_the_version_of_the_api(ask_sandbox: AskSandbox) -> None:
    assert ask_sandbox("/v1/health/").headers["freddy-api-version"] == "2025-01-01"


@pytest.mark.parametrize("path", ["/", "/v1/nothing", "/v1/admin/composio/tools//status"])
def test_unknown_path_is_a_404_envelope(ask_sandbox: AskSandbox, path: str) -> None:
    reply = ask_sandbox(path, key=KEY)
    assert (reply.status, reply.json["success"], reply.error["status"]) == (404, False, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", STATUS_PATH, "GET"),
        ("GET", TRIGGER_SYNC_PATH, "POST"),
        ("DELETE", AUTH_CONFIGS_PATH, "GET"),
        ("PUT", tool_path("gmail"), "PATCH"),
        ("POST", "/v1/health/", "GET"),
    ],
)
def test_wrong_method_is_a_405_envelope(
    ask_sandbox: AskSandbox, method: str, path: str, allowed: str
) -> None:
    reply = ask_sandbox(path, key=KEY, method=method)
    assert (reply.status, reply.error["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert reply.headers["Allow"] == allowed


def test_head_request_gets_no_body(ask_sandbox: AskSandbox) -> None:
    reply = ask_sandbox(key=KEY, method="HEAD")
    assert (reply.status, reply.body) == (405, b"")


def test_requests_are_counted_by_key_and_path(
    ask_sandbox: AskSandbox, server: SandboxServer
) -> None:
    key, total = sandbox_key(Scenario.HEALTHY, "Counted"), server.request_counts.total
    ask_sandbox(key=key)
    ask_sandbox(AUTH_CONFIGS_PATH, key=key)
    assert server.request_counts.by_key[key] == 2
    assert server.request_counts.total == total + 2
    assert server.request_counts.peak_concurrency[key] == 1
    assert server.request_counts.by_path[AUTH_CONFIGS_PATH] >= 1


def test_sequential_requests_have_a_peak_concurrency_of_one(
    ask_sandbox: AskSandbox, server: SandboxServer
) -> None:
    key = sandbox_key(Scenario.HEALTHY, "Patient")
    for _ in range(50):
        ask_sandbox(key=key)
    assert server.request_counts.peak_concurrency[key] == 1


def test_figures_differ_between_keys_unless_they_share_a_seed(ask_sandbox: AskSandbox) -> None:
    replies_of_keys = [
        ask_sandbox(key=sandbox_key(Scenario.HEALTHY, name)).json
        for name in ("Oak", "Elm", "Birch")
    ]
    assert len({json.dumps(status) for status in replies_of_keys}) == 3
    names = ("Oak", "Elm")
    first_shared, second_shared = (
        ask_sandbox(key=sandbox_key(Scenario.HEALTHY, name, shared_seed="wood")).json
        for name in names
    )
    assert first_shared == second_shared

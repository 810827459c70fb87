import json
import re

import pytest

from freddy_admin.sandbox.scenarios import Scenario, key_for, organization_id_of
from freddy_admin.sandbox.server import SandboxServer
from tests.sandbox.conftest import STATUS, TRIGGER, Ask

KEY = key_for(Scenario.HEALTHY, "Oak")
AUTH = "/v1/admin/composio/auth-configs"
CONNECTORS = "/v1/personal-connectors/available"


def tool_path(tool_key: str) -> str:
    return f"/v1/admin/composio/tools/{tool_key}/status"


def test_the_sync_status_has_the_documented_fields(ask: Ask) -> None:
    status = ask(key=KEY).json
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


def test_an_answer_carries_the_api_headers(ask: Ask) -> None:
    headers = ask(key=KEY).headers
    assert headers["Content-Type"] == "application/json"
    assert headers["x-request-id"].startswith("req_")
    assert headers["freddy-processing-ms"].isdecimal()
    assert headers["freddy-api-version"]
    assert headers["aitronos-organization"] == organization_id_of(KEY)


def test_a_full_sync_updates_every_tool(ask: Ask) -> None:
    total = ask(key=KEY).json["total_tools"]
    answer = ask(f"{TRIGGER}?force_full_sync=true", key=KEY, method="POST").json
    assert answer["sync_mode"] == "full"
    assert answer["tools_synced"] == answer["tools_updated"] == total
    assert answer["tools_unchanged"] == answer["tools_created"] == 0
    assert answer["job_id"]
    assert answer["status"] == "completed"


def test_an_incremental_sync_counts_what_it_left_alone(ask: Ask) -> None:
    keys = [key_for(Scenario.HEALTHY, f"Oak {number}") for number in range(12)]
    key = next(key for key in keys if ask(key=key).json["incremental_sync_enabled"])
    answer = ask(TRIGGER, key=key, method="POST").json
    assert answer["sync_mode"] == "incremental"
    parts = ("tools_created", "tools_updated", "tools_unchanged")
    assert sum(answer[part] for part in parts) == answer["tools_synced"]


def test_a_wrong_force_full_sync_is_a_validation_error(ask: Ask) -> None:
    reply = ask(f"{TRIGGER}?force_full_sync=perhaps", key=KEY, method="POST")
    assert (reply.status, reply.error["code"]) == (422, "VALIDATION_ERROR")
    assert reply.error["details"]["errors"][0]["loc"] == ["query", "force_full_sync"]


def test_auth_configs_come_with_their_number(ask: Ask) -> None:
    answer = ask(AUTH, key=KEY).json
    assert answer["total"] == len(answer["auth_configs"]) > 0
    assert set(answer["auth_configs"][0]) == {"id", "toolkit", "type", "created_at"}


def test_switching_a_tool_off_takes_it_from_the_list_and_the_count(ask: Ask) -> None:
    key = key_for(Scenario.HEALTHY, "Switches")
    enabled = ask(key=key).json["enabled_tools"]
    tool = ask(CONNECTORS, key=key).json["connectors"][0]["tool_key"]
    off = ask(tool_path(tool), key=key, method="PATCH", body=b'{"is_enabled": false}').json
    assert (off["tool_key"], off["is_enabled"]) == (tool, False)
    assert off["tool_id"]
    assert off["message"]
    assert ask(key=key).json["enabled_tools"] == enabled - 1
    left = ask(f"{CONNECTORS}?limit=100", key=key).json["connectors"]
    assert tool not in {item["tool_key"] for item in left}
    ask(tool_path(tool), key=key, method="PATCH", body=b'{"is_enabled": true}')
    assert ask(key=key).json["enabled_tools"] == enabled


def test_an_unknown_tool_is_not_found(ask: Ask) -> None:
    reply = ask(tool_path("no%20such"), key=KEY, method="PATCH", body=b'{"is_enabled": true}')
    assert (reply.status, reply.error["details"]) == (404, {"tool_key": "no such"})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"is_enabled": 1}'])
def test_a_wrong_body_is_a_validation_error(ask: Ask, body: bytes) -> None:
    tool = ask(CONNECTORS, key=KEY).json["connectors"][0]["tool_key"]
    reply = ask(tool_path(tool), key=KEY, method="PATCH", body=body)
    assert (reply.status, reply.error["code"]) == (422, "VALIDATION_ERROR")


def test_connectors_are_paged(ask: Ask) -> None:
    key = key_for(Scenario.HEALTHY, "Pages")
    everything = ask(f"{CONNECTORS}?limit=100", key=key).json
    page = ask(f"{CONNECTORS}?limit=2&offset=1", key=key).json
    assert page["connectors"] == everything["connectors"][1:3]
    assert page["total"] == everything["total"] == everything["returned"]
    assert page["returned"] == len(page["connectors"])


def test_connectors_are_searched_by_word_and_category(ask: Ask) -> None:
    first = ask(CONNECTORS, key=KEY).json["connectors"][0]
    by_word = ask(f"{CONNECTORS}?q={first['tool_key'].upper()}", key=KEY).json
    assert first in by_word["connectors"]
    by_category = ask(f"{CONNECTORS}?category={first['category']}", key=KEY).json
    assert {item["category"] for item in by_category["connectors"]} == {first["category"]}
    assert ask(f"{CONNECTORS}?q=no-such-thing", key=KEY).json["total"] == 0


def test_connectors_of_another_organisation_are_refused(ask: Ask) -> None:
    own = organization_id_of(KEY)
    assert ask(f"{CONNECTORS}?organization_id={own}", key=KEY).status == 200
    reply = ask(f"{CONNECTORS}?organization_id=org_other", key=KEY)
    assert (reply.status, reply.error["code"]) == (403, "ORGANIZATION_ACCESS_DENIED")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "offset=1.5"])
def test_wrong_paging_is_a_validation_error(ask: Ask, query: str) -> None:
    assert ask(f"{CONNECTORS}?{query}", key=KEY).status == 422


def test_health_needs_no_key(ask: Ask) -> None:
    assert ask("/v1/health/").json == {"status": "ok"}
    details = ask("/v1/health/details").json
    assert details["status"] == "ok"
    assert {"name", "status"} <= set(details["components"][0])


@pytest.mark.parametrize("path", ["/", "/v1/nothing", "/v1/admin/composio/tools//status"])
def test_an_unknown_path_is_a_404_envelope(ask: Ask, path: str) -> None:
    reply = ask(path, key=KEY)
    assert (reply.status, reply.json["success"], reply.error["status"]) == (404, False, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", STATUS, "GET"),
        ("GET", TRIGGER, "POST"),
        ("DELETE", AUTH, "GET"),
        ("PUT", tool_path("gmail"), "PATCH"),
        ("POST", "/v1/health/", "GET"),
    ],
)
def test_a_wrong_method_is_a_405_envelope(ask: Ask, method: str, path: str, allowed: str) -> None:
    reply = ask(path, key=KEY, method=method)
    assert (reply.status, reply.error["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert reply.headers["Allow"] == allowed


def test_a_head_request_gets_no_body(ask: Ask) -> None:
    reply = ask(key=KEY, method="HEAD")
    assert (reply.status, reply.body) == (405, b"")


def test_requests_are_counted_by_key_and_path(ask: Ask, server: SandboxServer) -> None:
    key, total = key_for(Scenario.HEALTHY, "Counted"), server.requests_seen.total
    ask(key=key)
    ask(AUTH, key=key)
    assert server.requests_seen.by_key[key] == 2
    assert server.requests_seen.total == total + 2
    assert server.requests_seen.most_at_once[key] == 1
    assert server.requests_seen.by_path[AUTH] >= 1


def test_who_asks_one_after_the_other_never_asks_twice_at_once(
    ask: Ask, server: SandboxServer
) -> None:
    key = key_for(Scenario.HEALTHY, "Patient")
    for _ in range(50):
        ask(key=key)
    assert server.requests_seen.most_at_once[key] == 1


def test_figures_differ_from_key_to_key_but_not_within_a_catalogue(ask: Ask) -> None:
    apart = [ask(key=key_for(Scenario.HEALTHY, name)).json for name in ("Oak", "Elm", "Birch")]
    assert len({json.dumps(status) for status in apart}) == 3
    names = ("Oak", "Elm")
    one, other = (ask(key=key_for(Scenario.HEALTHY, name, catalogue="wood")).json for name in names)
    assert one == other

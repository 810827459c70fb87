"""The ways in which starting a sync can fail; these keys are healthy in all else."""

import http.client
from datetime import timedelta

import pytest

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.sandbox.conftest import (
    NOON,
    QUICK_OPTIONS,
    STATUS_PATH,
    TRIGGER_SYNC_PATH,
    AskSandbox,
    send_request,
)

AUTH_CONFIGS_PATH = "/v1/admin/composio/auth-configs"
CONNECTORS_PATH = "/v1/personal-connectors/available"
SYNC_FAULT_SCENARIOS = [
    Scenario.SYNC_VANISHES,
    Scenario.SYNC_REFUSED,
    Scenario.SYNC_FAILS,
    Scenario.SYNC_IGNORED,
]


def last_sync(ask_sandbox: AskSandbox, key: str) -> str:
    return str(ask_sandbox(key=key).json["last_sync_at"])


@pytest.mark.parametrize("scenario", SYNC_FAULT_SCENARIOS)
def test_other_routes_of_a_sync_fault_key_respond_as_for_a_healthy_key(
    ask_sandbox: AskSandbox, scenario: Scenario
) -> None:
    key = sandbox_key(scenario, "Oak")
    status = ask_sandbox(STATUS_PATH, key=key)
    assert status.status == 200
    assert status.json["last_sync_at"] <= "2025-11-15T12:00:00Z" < status.json["next_sync_at"]
    assert ask_sandbox(AUTH_CONFIGS_PATH, key=key).json["total"] > 0
    connectors = ask_sandbox(CONNECTORS_PATH, key=key).json["connectors"]
    path = f"/v1/admin/composio/tools/{connectors[0]['tool_key']}/status"
    assert ask_sandbox(path, key=key, method="PATCH", body=b'{"is_enabled": false}').status == 200


def test_vanished_sync_was_started(ask_sandbox: AskSandbox, server: SandboxServer) -> None:
    key = sandbox_key(Scenario.SYNC_VANISHES, "Elm")
    assert last_sync(ask_sandbox, key) < "2025-11-15T12:00:00Z"
    with pytest.raises(http.client.RemoteDisconnected):
        ask_sandbox(TRIGGER_SYNC_PATH, key=key, method="POST")
    assert last_sync(ask_sandbox, key) == "2025-11-15T12:00:00Z"
    assert server.request_counts.by_key[key] == 3


def test_refused_sync_is_a_409_envelope_and_starts_nothing(
    ask_sandbox: AskSandbox,
) -> None:
    key = sandbox_key(Scenario.SYNC_REFUSED, "Elm")
    last_sync_before = last_sync(ask_sandbox, key)
    reply = ask_sandbox(TRIGGER_SYNC_PATH, key=key, method="POST")
    assert (reply.status, reply.error["status"], reply.error["code"]) == (409, 409, "CONFLICT")
    assert reply.json["success"] is False
    assert reply.error["message"]
    assert reply.headers["x-request-id"]
    assert last_sync(ask_sandbox, key) == last_sync_before


def test_failing_sync_is_a_500_html_page_and_starts_nothing(ask_sandbox: AskSandbox) -> None:
    key = sandbox_key(Scenario.SYNC_FAILS, "Elm")
    last_sync_before = last_sync(ask_sandbox, key)
    reply = ask_sandbox(TRIGGER_SYNC_PATH, key=key, method="POST")
    assert reply.status == 500
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith(b"<html>")
    assert last_sync(ask_sandbox, key) == last_sync_before


def test_ignored_sync_gets_a_usual_response_and_changes_no_time() -> None:
    key = sandbox_key(Scenario.SYNC_IGNORED, "Elm")
    clock = SandboxClock(NOON, speed=0)
    with SandboxServer(clock=clock, options=QUICK_OPTIONS) as server:
        status_before = send_request(server.base_url, key=key).json
        reply = send_request(
            server.base_url, f"{TRIGGER_SYNC_PATH}?force_full_sync=true", key=key, method="POST"
        )
        assert reply.status == 200
        assert reply.json["status"] == "completed"
        assert reply.json["tools_synced"] == status_before["total_tools"]
        for days in (0, 1, 7):
            clock.set(NOON + timedelta(days=days))
            assert send_request(server.base_url, key=key).json == status_before


def test_wrong_method_is_reported_before_a_sync_fault(ask_sandbox: AskSandbox) -> None:
    reply = ask_sandbox(TRIGGER_SYNC_PATH, key=sandbox_key(Scenario.SYNC_REFUSED, "Oak"))
    assert reply.status == 405

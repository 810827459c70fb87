"""The ways in which starting a sync can go wrong; everything else about these keys is well."""

import http.client
from datetime import timedelta

import pytest

from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.sandbox.conftest import NOON, QUICK, STATUS, TRIGGER, Ask, ask_at

AUTH = "/v1/admin/composio/auth-configs"
CONNECTORS = "/v1/personal-connectors/available"
WAYS = [
    Scenario.SYNC_VANISHES,
    Scenario.SYNC_REFUSED,
    Scenario.SYNC_FAILS,
    Scenario.SYNC_IGNORED,
]


def last_sync(ask: Ask, key: str) -> str:
    return str(ask(key=key).json["last_sync_at"])


@pytest.mark.parametrize("scenario", WAYS)
def test_all_but_starting_a_sync_is_as_with_a_healthy_key(ask: Ask, scenario: Scenario) -> None:
    key = key_for(scenario, "Oak")
    status = ask(STATUS, key=key)
    assert status.status == 200
    assert status.json["last_sync_at"] <= "2025-11-15T12:00:00Z" < status.json["next_sync_at"]
    assert ask(AUTH, key=key).json["total"] > 0
    listed = ask(CONNECTORS, key=key).json["connectors"]
    path = f"/v1/admin/composio/tools/{listed[0]['tool_key']}/status"
    assert ask(path, key=key, method="PATCH", body=b'{"is_enabled": false}').status == 200


def test_a_sync_that_vanishes_was_started_all_the_same(ask: Ask, server: SandboxServer) -> None:
    key = key_for(Scenario.SYNC_VANISHES, "Elm")
    assert last_sync(ask, key) < "2025-11-15T12:00:00Z"
    with pytest.raises(http.client.RemoteDisconnected):
        ask(TRIGGER, key=key, method="POST")
    assert last_sync(ask, key) == "2025-11-15T12:00:00Z"
    assert server.requests_seen.by_key[key] == 3


def test_a_refused_sync_is_a_409_in_the_envelope_and_starts_nothing(ask: Ask) -> None:
    key = key_for(Scenario.SYNC_REFUSED, "Elm")
    before = last_sync(ask, key)
    reply = ask(TRIGGER, key=key, method="POST")
    assert (reply.status, reply.error["status"], reply.error["code"]) == (409, 409, "CONFLICT")
    assert reply.json["success"] is False
    assert reply.error["message"]
    assert reply.headers["x-request-id"]
    assert last_sync(ask, key) == before


def test_a_failing_sync_is_a_500_as_a_web_page_and_starts_nothing(ask: Ask) -> None:
    key = key_for(Scenario.SYNC_FAILS, "Elm")
    before = last_sync(ask, key)
    reply = ask(TRIGGER, key=key, method="POST")
    assert reply.status == 500
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith(b"<html>")
    assert last_sync(ask, key) == before


def test_an_ignored_sync_is_answered_as_usual_but_the_last_one_stays() -> None:
    key = key_for(Scenario.SYNC_IGNORED, "Elm")
    clock = SandboxClock(NOON, speed=0)
    with SandboxServer(clock=clock, options=QUICK) as server:
        before = ask_at(server.base_url, key=key).json
        reply = ask_at(server.base_url, f"{TRIGGER}?force_full_sync=true", key=key, method="POST")
        assert reply.status == 200
        assert reply.json["status"] == "completed"
        assert reply.json["tools_synced"] == before["total_tools"]
        for days in (0, 1, 7):
            clock.set(NOON + timedelta(days=days))
            assert ask_at(server.base_url, key=key).json == before


def test_a_wrong_question_is_told_before_a_sync_vanishes(ask: Ask) -> None:
    reply = ask(TRIGGER, key=key_for(Scenario.SYNC_REFUSED, "Oak"))
    assert reply.status == 405

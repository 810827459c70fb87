import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.sandbox.conftest import STATUS, TRIGGER, Ask


@pytest.mark.parametrize(
    ("scenario", "status"),
    [(Scenario.FIREWALL, 403), (Scenario.ERROR_HTML, 500), (Scenario.NOT_JSON, 200)],
)
def test_a_page_from_before_the_api_has_no_envelope(
    ask: Ask, scenario: Scenario, status: int
) -> None:
    reply = ask(key=key_for(scenario, "Oak"))
    assert reply.status == status
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith(b"<html>")
    assert "x-request-id" not in reply.headers


@pytest.mark.parametrize(
    ("scenario", "status", "least", "most"),
    [
        (Scenario.RATE_LIMITED, 429, 1, 5),
        (Scenario.SPENDING_LIMIT, 429, 3600, 86400),
        (Scenario.UNAVAILABLE, 503, 1, 60),
    ],
)
def test_a_wait_is_hinted_in_header_and_envelope(
    ask: Ask, scenario: Scenario, status: int, least: int, most: int
) -> None:
    reply = ask(key=key_for(scenario, "Oak"))
    assert reply.status == status
    assert least <= int(reply.headers["Retry-After"]) <= most
    assert reply.error["details"]["retry_after"] == int(reply.headers["Retry-After"])


def test_the_spending_limit_is_said_in_the_message(ask: Ask) -> None:
    error = ask(key=key_for(Scenario.SPENDING_LIMIT, "Oak")).error
    assert error["code"] == "RATE_LIMIT_EXCEEDED"
    assert "spending limit" in error["message"]


def test_a_truncated_body_ends_before_its_length(ask: Ask) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(key=key_for(Scenario.TRUNCATED, "Oak"))
    assert caught.value.partial.startswith(b'{"total_tools"')


def test_wrong_types_reach_every_field(ask: Ask) -> None:
    status = ask(key=key_for(Scenario.WRONG_TYPES, "Oak")).json
    assert isinstance(status["total_tools"], str)
    assert isinstance(status["last_sync_at"], list)
    assert status["incremental_sync_enabled"] in {"yes", "no"}


def test_a_slow_key_gets_the_right_answer_in_the_end(ask: Ask) -> None:
    reply = ask(key=key_for(Scenario.SLOW, "Oak"))
    assert reply.json["total_tools"] > 0
    assert int(reply.headers["freddy-processing-ms"]) >= 20


def test_a_hanging_key_gets_nothing(ask: Ask) -> None:
    with pytest.raises(TimeoutError):
        ask(key=key_for(Scenario.HANGING, "Oak"), timeout=0.03)


def test_a_dripping_body_comes_byte_by_byte_and_whole(ask: Ask) -> None:
    assert ask("/v1/admin/composio/sync/status", key=key_for(Scenario.DRIP, "Oak")).json


def test_tool_counts_jump_with_the_clock(server: SandboxServer, ask: Ask) -> None:
    key = key_for(Scenario.JUMPING, "Oak")
    start, totals = server.clock.now(), set()
    for minutes in range(0, 60, 10):
        server.clock.set(start.replace(minute=minutes))
        status = ask(key=key).json
        assert 0 < status["enabled_tools"] <= status["total_tools"]
        totals.add(status["total_tools"])
    server.clock.set(start)
    assert len(totals) > 3


def test_every_third_call_of_a_flaky_key_fails(ask: Ask) -> None:
    key = key_for(Scenario.FLAKY, "Oak")
    assert [ask(key=key).status for _ in range(6)] == [200, 200, 502, 200, 200, 502]


def test_an_inconsistent_key_has_more_enabled_than_there_are(ask: Ask) -> None:
    status = ask(key=key_for(Scenario.INCONSISTENT, "Oak")).json
    assert status["enabled_tools"] > status["total_tools"]


def test_a_huge_body_is_valid_json_of_several_megabytes(ask: Ask) -> None:
    reply = ask(key=key_for(Scenario.HUGE, "Oak"))
    assert len(reply.body) > 4_000_000
    assert json.loads(reply.body)["total_tools"] > 0


def test_a_redirect_points_to_another_name_where_a_follower_is_counted(
    ask: Ask, server: SandboxServer
) -> None:
    reply = ask(key=key_for(Scenario.REDIRECT, "Oak"))
    where = urlsplit(reply.headers["Location"])
    assert reply.status == 302
    assert (where.hostname, where.path) == ("localhost", f"/elsewhere{STATUS}")
    assert where.port == urlsplit(server.base_url).port
    assert ask(where.path).status == 404
    assert server.requests_seen.by_path[where.path] == 1


@pytest.mark.parametrize("scenario", Scenario)
def test_no_scenario_breaks_the_other_routes(ask: Ask, scenario: Scenario) -> None:
    wait = 0.2 if scenario is Scenario.HANGING else 20
    try:
        reply = ask(TRIGGER, key=key_for(scenario, "Elm"), method="POST", timeout=wait)
    except (TimeoutError, http.client.IncompleteRead):
        assert scenario in {Scenario.HANGING, Scenario.TRUNCATED}
    except http.client.RemoteDisconnected:
        assert scenario is Scenario.SYNC_VANISHES
    else:
        assert reply.status in {200, 302, 401, 403, 409, 429, 500, 503}


def test_a_body_no_route_takes_ends_the_connection(server: SandboxServer) -> None:
    where = urlsplit(server.base_url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=5) as raw:
        raw.sendall(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        received = b""
        while part := raw.recv(65536):
            received += part
    assert received.startswith(b"HTTP/1.1 404 ")
    assert b"Connection: close" in received

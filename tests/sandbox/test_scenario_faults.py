import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.sandbox.conftest import STATUS_PATH, TRIGGER_SYNC_PATH, AskSandbox


@pytest.mark.parametrize(
    ("scenario", "status"),
    [(Scenario.FIREWALL, 403), (Scenario.ERROR_HTML, 500), (Scenario.NOT_JSON, 200)],
)
def test_html_page_of_a_proxy_has_no_envelope(
    ask_sandbox: AskSandbox, scenario: Scenario, status: int
) -> None:
    reply = ask_sandbox(key=sandbox_key(scenario, "Oak"))
    assert reply.status == status
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith(b"<html>")
    assert "x-request-id" not in reply.headers


@pytest.mark.parametrize(
    ("scenario", "status", "shortest_wait", "longest_wait"),
    [
        (Scenario.RATE_LIMITED, 429, 1, 5),
        (Scenario.SPENDING_LIMIT, 429, 3600, 86400),
        (Scenario.UNAVAILABLE, 503, 1, 60),
    ],
)
def test_wait_hint_stands_in_header_and_envelope(
    ask_sandbox: AskSandbox, scenario: Scenario, status: int, shortest_wait: int, longest_wait: int
) -> None:
    reply = ask_sandbox(key=sandbox_key(scenario, "Oak"))
    assert reply.status == status
    assert shortest_wait <= int(reply.headers["Retry-After"]) <= longest_wait
    assert reply.error["details"]["retry_after"] == int(reply.headers["Retry-After"])


def test_spending_limit_is_named_in_the_message(ask_sandbox: AskSandbox) -> None:
    error = ask_sandbox(key=sandbox_key(Scenario.SPENDING_LIMIT, "Oak")).error
    assert error["code"] == "RATE_LIMIT_EXCEEDED"
    assert "spending limit" in error["message"]


def test_truncated_body_ends_before_its_length(ask_sandbox: AskSandbox) -> None:
    with pytest.raises(http.client.IncompleteRead) as excinfo:
        ask_sandbox(key=sandbox_key(Scenario.TRUNCATED, "Oak"))
    assert excinfo.value.partial.startswith(b'{"total_tools"')


def test_wrong_types_reach_every_field(ask_sandbox: AskSandbox) -> None:
    status = ask_sandbox(key=sandbox_key(Scenario.WRONG_TYPES, "Oak")).json
    assert isinstance(status["total_tools"], str)
    assert isinstance(status["last_sync_at"], list)
    assert status["incremental_sync_enabled"] in {"yes", "no"}


def test_slow_key_gets_the_right_response_in_the_end(ask_sandbox: AskSandbox) -> None:
    reply = ask_sandbox(key=sandbox_key(Scenario.SLOW, "Oak"))
    assert reply.json["total_tools"] > 0
    assert int(reply.headers["freddy-processing-ms"]) >= 20


def test_hanging_key_gets_no_response(ask_sandbox: AskSandbox) -> None:
    with pytest.raises(TimeoutError):
        ask_sandbox(key=sandbox_key(Scenario.HANGING, "Oak"), timeout=0.03)


def test_dripping_body_comes_byte_by_byte_and_complete(ask_sandbox: AskSandbox) -> None:
    assert ask_sandbox("/v1/admin/composio/sync/status", key=sandbox_key(Scenario.DRIP, "Oak")).json


def test_tool_counts_jump_with_the_clock(server: SandboxServer, ask_sandbox: AskSandbox) -> None:
    key = sandbox_key(Scenario.JUMPING, "Oak")
    start_time, totals = server.clock.now(), set()
    for minutes in range(0, 60, 10):
        server.clock.set(start_time.replace(minute=minutes))
        status = ask_sandbox(key=key).json
        assert 0 < status["enabled_tools"] <= status["total_tools"]
        totals.add(status["total_tools"])
    server.clock.set(start_time)
    assert len(totals) > 3


def test_every_third_call_of_a_flaky_key_fails(ask_sandbox: AskSandbox) -> None:
    key = sandbox_key(Scenario.FLAKY, "Oak")
    assert [ask_sandbox(key=key).status for _ in range(6)] == [200, 200, 502, 200, 200, 502]


def test_inconsistent_key_has_more_tools_enabled_than_there_are(ask_sandbox: AskSandbox) -> None:
    status = ask_sandbox(key=sandbox_key(Scenario.INCONSISTENT, "Oak")).json
    assert status["enabled_tools"] > status["total_tools"]


def test_huge_body_is_valid_json_of_several_megabytes(ask_sandbox: AskSandbox) -> None:
    reply = ask_sandbox(key=sandbox_key(Scenario.HUGE, "Oak"))
    assert len(reply.body) > 4_000_000
    assert json.loads(reply.body)["total_tools"] > 0


def test_redirect_points_to_another_host_that_counts_followers(
    ask_sandbox: AskSandbox, server: SandboxServer
) -> None:
    reply = ask_sandbox(key=sandbox_key(Scenario.REDIRECT, "Oak"))
    address = urlsplit(reply.headers["Location"])
    assert reply.status == 302
    assert (address.hostname, address.path) == ("localhost", f"/elsewhere{STATUS_PATH}")
    assert address.port == urlsplit(server.base_url).port
    assert ask_sandbox(address.path).status == 404
    assert server.request_counts.by_path[address.path] == 1


@pytest.mark.parametrize("scenario", Scenario)
def test_no_scenario_breaks_the_other_routes(ask_sandbox: AskSandbox, scenario: Scenario) -> None:
    timeout = 0.2 if scenario is Scenario.HANGING else 20
    try:
        reply = ask_sandbox(
            TRIGGER_SYNC_PATH, key=sandbox_key(scenario, "Elm"), method="POST", timeout=timeout
        )
    except (TimeoutError, http.client.IncompleteRead):
        assert scenario in {Scenario.HANGING, Scenario.TRUNCATED}
    except http.client.RemoteDisconnected:
        assert scenario is Scenario.SYNC_VANISHES
    else:
        assert reply.status in {200, 302, 401, 403, 409, 429, 500, 503}


def test_body_that_no_route_takes_ends_the_connection(server: SandboxServer) -> None:
    address = urlsplit(server.base_url)
    with socket.create_connection(
        (address.hostname or "", address.port or 0), timeout=5
    ) as connection:
        connection.sendall(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 404 ")
    assert b"Connection: close" in received

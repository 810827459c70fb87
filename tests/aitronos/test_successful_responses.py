"""What is sent, and what a successful response becomes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freddy_admin.aitronos.errors import EnvironmentMissing
from freddy_admin.aitronos.types import ServiceHealth, SyncStatusResponse
from tests.aitronos.conftest import KEY, GetResponse, MakeClient, StartServer, fetch_sync_status
from tests.aitronos.scripted_server import (
    GOOD_BODY,
    request_key,
    respond_in_turn,
    respond_once,
    response_bytes,
    sync_status_bytes,
)

SYNC_TIME = datetime(2025, 11, 15, 10, 30, tzinfo=UTC)


def test_documented_sync_status_becomes_a_typed_value(get_response: GetResponse) -> None:
    assert get_response(respond_in_turn(sync_status_bytes())).value == SyncStatusResponse(
        42, 1, SYNC_TIME, SYNC_TIME, 1, False
    )


def test_request_carries_the_key_and_the_user_agent(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(sync_status_bytes()))
    fetch_sync_status(make_client(server, user_agent="freddy-admin/9"))
    (request,) = server.requests
    head = request.decode().split("\r\n")
    assert head[0] == "GET /v1/admin/composio/sync/status HTTP/1.1"
    assert set(filter(None, head[1:])) == {
        f"Host: 127.0.0.1:{server.port}",
        f"X-API-Key: {KEY}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
        "User-Agent: freddy-admin/9",
    }


def test_key_header_and_base_path_are_configurable(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(sync_status_bytes()))
    base_url = f"{server.base_url}/through/"
    fetch_sync_status(make_client(base_url, api_key_headers=("api-key",)))
    assert server.requests[0].startswith(b"GET /through/v1/admin/composio/sync/status HTTP")
    assert f"api-key: {KEY}".encode() in server.requests[0]
    assert b"X-API-Key" not in server.requests[0]


def test_key_is_sent_in_all_headers_that_are_named(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(sync_status_bytes()))
    fetch_sync_status(make_client(server, api_key_headers=("x-api-key", "api-key")))
    lines = server.requests[0].decode().split("\r\n")
    assert [line for line in lines if KEY in line] == [f"x-api-key: {KEY}", f"api-key: {KEY}"]


def test_client_of_one_environment_is_none_of_another(make_client: MakeClient) -> None:
    client = make_client("https://staging.example", environment="staging")
    assert client.for_environment("staging") is client
    with pytest.raises(EnvironmentMissing) as raised:
        client.for_environment("default")
    assert (raised.value.detail, raised.value.request_sent) == ("default", False)


def test_white_space_around_a_key_is_not_sent(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(sync_status_bytes()))
    fetch_sync_status(make_client(server), key=f" \n{KEY}\t")
    assert request_key(server.requests[0]) == KEY


def test_ids_in_response_headers_are_kept_and_cleaned(get_response: GetResponse) -> None:
    headers = {
        "x-request-id": "req\x1b[31m_1\x00" + "x" * 300,
        "x-trace-id": "trace_1",
        "aitronos-organization": "org_1",
    }
    info = get_response(respond_in_turn(response_bytes(GOOD_BODY, headers=headers))).info
    assert info.request_id.startswith("req [31m_1 x")
    assert len(info.request_id) == 128
    assert (info.trace_id, info.organization_id) == ("trace_1", "org_1")
    assert info.attempts == 1
    assert 0 < info.elapsed_ms < 1000


def test_response_headers_are_optional(get_response: GetResponse) -> None:
    info = get_response(respond_in_turn(sync_status_bytes())).info
    assert (info.request_id, info.trace_id, info.organization_id) == ("", "", "")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-15T10:30:00Z", SYNC_TIME),
        ("2025-11-15t10:30:00z", SYNC_TIME),
        ("2025-11-15T10:30:00+00:00", SYNC_TIME),
        ("2025-11-15T12:00:00+01:30", SYNC_TIME),
        ("2025-11-15T10:30:00.5Z", SYNC_TIME + timedelta(seconds=0.5)),
        ("2025-11-15T10:30:00.123456789Z", SYNC_TIME + timedelta(microseconds=123456)),
        ("2025-11-15T10:30:00", SYNC_TIME),
        ("2025-11-15 10:30:00", SYNC_TIME),
        (" 2025-11-15T10:30:00Z ", SYNC_TIME),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2100-12-31T23:59:59Z", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (None, None),
    ],
)
def test_sync_times_are_parsed_tolerantly_into_utc(
    get_response: GetResponse, text: Any, moment: Any
) -> None:
    value = get_response(respond_in_turn(sync_status_bytes(last_sync_at=text))).value
    assert value.last_sync_at == moment
    assert moment is None or value.last_sync_at.tzinfo is UTC


def test_sync_times_may_be_absent(get_response: GetResponse) -> None:
    body = {name: value for name, value in GOOD_BODY.items() if not name.endswith("_at")}
    value = get_response(respond_in_turn(response_bytes(body))).value
    assert (value.last_sync_at, value.next_sync_at) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"sync_interval_hours": 0},
        {"total_tools": 0, "enabled_tools": 2**31 - 1},
        {"sync_interval_hours": 2**31 - 1},
        {"next_sync_at": "2025-01-01T00:00:00Z"},
    ],
)
def test_inconsistent_figures_are_passed_on_as_received(
    get_response: GetResponse, changes: Any
) -> None:
    value = get_response(respond_in_turn(sync_status_bytes(**changes))).value
    assert all(
        getattr(value, name) == number for name, number in changes.items() if name[-1] != "t"
    )


def test_unknown_fields_are_ignored(get_response: GetResponse) -> None:
    unknown_fields = {"new": [1.5, {"deep": None}], "\ud800": "\x00", "text": "9" * 5000, "low": -3}
    assert (
        get_response(respond_in_turn(sync_status_bytes(**unknown_fields))).value.total_tools == 42
    )


@pytest.mark.parametrize(
    "media",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json;x=y"],
)
def test_any_json_content_type_is_accepted(get_response: GetResponse, media: str) -> None:
    assert (
        get_response(respond_in_turn(response_bytes(GOOD_BODY, media=media))).value.total_tools
        == 42
    )


def _chunked_response(body: bytes, size: int) -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    encoded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head + encoded + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 50, 1000])
def test_chunked_body_is_read(get_response: GetResponse, size: int) -> None:
    assert (
        get_response(
            respond_in_turn(_chunked_response(json.dumps(GOOD_BODY).encode(), size))
        ).value.total_tools
        == 42
    )


def test_body_that_ends_with_the_connection_is_read(get_response: GetResponse) -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
    assert get_response(respond_once(head + json.dumps(GOOD_BODY).encode())).value.total_tools == 42


def test_health_request_carries_no_key(start_server: StartServer, make_client: MakeClient) -> None:
    server = start_server(respond_in_turn(response_bytes({"status": "ok\u202e", "more": 1})))
    assert make_client(server).get_health().value == ServiceHealth("ok")
    assert server.requests[0].startswith(b"GET /v1/health/ HTTP/1.1\r\n")
    assert b"key" not in server.requests[0].lower()

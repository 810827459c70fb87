"""What is sent, and what a good answer becomes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freddy_admin.aitronos.types import Health, SyncStatus
from tests.aitronos.conftest import KEY, MakeClient, Reply, Serve, ask
from tests.aitronos.wire import GOOD, answer, good, key_of, once, says

AT = datetime(2025, 11, 15, 10, 30, tzinfo=UTC)


def test_the_documented_answer_becomes_a_typed_value(reply: Reply) -> None:
    assert reply(says(good())).value == SyncStatus(42, 1, AT, AT, 1, False)


def test_the_request_carries_the_key_and_names_this_program(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(good()))
    ask(make_client(server, user_agent="freddy-admin/9"))
    (request,) = server.requests
    head = request.decode().split("\r\n")
    assert head[0] == "GET /v1/admin/composio/sync/status HTTP/1.1"
    assert set(filter(None, head[1:])) == {
        f"Host: 127.0.0.1:{server.port}",
        f"X-API-Key: {KEY}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "User-Agent: freddy-admin/9",
    }


def test_the_name_of_the_header_and_a_path_before_ours_are_settings(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(good()))
    base_url = f"{server.base_url}/through/"
    ask(make_client(base_url, api_key_header="api-key"))
    assert server.requests[0].startswith(b"GET /through/v1/admin/composio/sync/status HTTP")
    assert f"api-key: {KEY}".encode() in server.requests[0]
    assert b"X-API-Key" not in server.requests[0]


def test_white_space_around_a_key_is_not_sent(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(good()))
    ask(make_client(server), key=f" \n{KEY}\t")
    assert key_of(server.requests[0]) == KEY


def test_headers_to_quote_are_kept_and_cleaned(reply: Reply) -> None:
    headers = {
        "x-request-id": "req\x1b[31m_1\x00" + "x" * 300,
        "x-trace-id": "trace_1",
        "aitronos-organization": "org_1",
        "freddy-processing-ms": "12.5",
    }
    info = reply(says(answer(GOOD, headers=headers))).info
    assert info.request_id.startswith("req [31m_1 x")
    assert len(info.request_id) == 128
    assert (info.trace_id, info.organization_id) == ("trace_1", "org_1")
    assert (info.http_status, info.processing_ms, info.attempts) == (200, 12.5, 1)
    assert 0 < info.elapsed_ms < 1000


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "soon", "1e300"])
def test_a_processing_time_that_is_none_is_none(reply: Reply, text: Any) -> None:
    assert (
        reply(says(answer(GOOD, headers={"freddy-processing-ms": text}))).info.processing_ms is None
    )


def test_no_header_is_relied_on(reply: Reply) -> None:
    info = reply(says(good())).info
    assert (info.request_id, info.trace_id, info.organization_id) == ("", "", "")
    assert info.processing_ms is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-15T10:30:00Z", AT),
        ("2025-11-15t10:30:00z", AT),
        ("2025-11-15T10:30:00+00:00", AT),
        ("2025-11-15T12:00:00+01:30", AT),
        ("2025-11-15T10:30:00.5Z", AT + timedelta(seconds=0.5)),
        ("2025-11-15T10:30:00.123456789Z", AT + timedelta(microseconds=123456)),
        ("2025-11-15T10:30:00", AT),
        ("2025-11-15 10:30:00", AT),
        (" 2025-11-15T10:30:00Z ", AT),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2100-12-31T23:59:59Z", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_are_read_tolerantly_into_utc(reply: Reply, text: Any, moment: Any) -> None:
    value = reply(says(good(last_sync_at=text))).value
    assert value.last_sync_at == moment
    assert moment is None or value.last_sync_at.tzinfo is UTC


def test_times_may_be_absent(reply: Reply) -> None:
    body = {name: value for name, value in GOOD.items() if not name.endswith("_at")}
    value = reply(says(answer(body))).value
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
def test_figures_that_do_not_fit_together_are_passed_on_as_received(
    reply: Reply, changes: Any
) -> None:
    value = reply(says(good(**changes))).value
    assert all(
        getattr(value, name) == number for name, number in changes.items() if name[-1] != "t"
    )


def test_unknown_fields_are_ignored(reply: Reply) -> None:
    extra = {"new": [1.5, {"deep": None}], "\ud800": "\x00", "text": "9" * 5000, "low": -3}
    assert reply(says(good(**extra))).value.total_tools == 42


@pytest.mark.parametrize(
    "media",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json;x=y"],
)
def test_any_json_content_type_will_do(reply: Reply, media: str) -> None:
    assert reply(says(answer(GOOD, media=media))).value.total_tools == 42


def _chunked(body: bytes, size: int) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head + coded + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 50, 1000])
def test_a_body_in_chunks_is_read(reply: Reply, size: int) -> None:
    assert reply(says(_chunked(json.dumps(GOOD).encode(), size))).value.total_tools == 42


def test_a_body_that_ends_with_the_connection_is_read(reply: Reply) -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
    assert reply(once(head + json.dumps(GOOD).encode())).value.total_tools == 42


def test_health_is_asked_without_a_key(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer({"status": "ok\u202e", "more": 1})))
    assert make_client(server).get_health().value == Health("ok")
    assert server.requests[0].startswith(b"GET /v1/health/ HTTP/1.1\r\n")
    assert b"key" not in server.requests[0].lower()

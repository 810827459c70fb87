"""*Trigger connector sync*: what goes out, what comes back, and how long it may take."""

import math
from typing import Any

import pytest

from freddy_admin.aitronos.errors import RequestTimedOut, UnexpectedStatus, UnreadableResponse
from freddy_admin.aitronos.types import SyncStartedResponse
from tests.aitronos.api_calls import SYNC_STARTED_BODY, error_of, start_sync
from tests.aitronos.conftest import KEY, MakeClient, StartServer
from tests.aitronos.scripted_server import (
    ENDLESS_SECONDS,
    request_key,
    respond_in_turn,
    response_bytes,
)


@pytest.mark.parametrize(("full", "query_value"), [(True, b"true"), (False, b"false")])
def test_start_sync_is_a_post_with_query_and_key_and_no_body(
    start_server: StartServer, make_client: MakeClient, full: bool, query_value: bytes
) -> None:
    server = start_server(respond_in_turn(response_bytes(SYNC_STARTED_BODY)))
    make_client(server).start_sync(secret=f" {KEY}\n", full=full, read_timeout=5)
    (request,) = server.requests
    assert request.startswith(
        b"POST /v1/admin/composio/sync?force_full_sync=" + query_value + b" HTTP/1.1\r\n"
    )
    assert b"Content-Length: 0\r\n" in request
    assert request.endswith(b"\r\n\r\n")
    assert request_key(request) == KEY


def test_start_sync_response_becomes_a_typed_value(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(
        respond_in_turn(response_bytes(SYNC_STARTED_BODY, headers={"x-request-id": "req_1"}))
    )
    response = start_sync(make_client(server))
    assert response.value == SyncStartedResponse(
        "sync_1", "completed", 42, 1, 2, 39, "incremental", "Done."
    )
    assert (response.info.request_id, response.info.attempts) == ("req_1", 1)


@pytest.mark.parametrize("is_absent", [True, False])
def test_absent_optional_fields_of_a_started_sync_are_empty(
    start_server: StartServer, make_client: MakeClient, is_absent: bool
) -> None:
    optional = ("tools_unchanged", "sync_mode", "message")
    body = {name: value for name, value in SYNC_STARTED_BODY.items() if name not in optional}
    body |= {} if is_absent else dict.fromkeys(optional)
    value = start_sync(make_client(start_server(respond_in_turn(response_bytes(body))))).value
    assert (value.tools_unchanged, value.sync_mode, value.message) == (None, "", "")


def test_texts_of_a_started_sync_are_cleaned_and_cut(
    start_server: StartServer, make_client: MakeClient
) -> None:
    texts = dict.fromkeys(
        ("job_id", "status", "sync_mode", "message"), "a\x1b[31m\u202e" + "b" * 400
    )
    value = start_sync(
        make_client(start_server(respond_in_turn(response_bytes(SYNC_STARTED_BODY | texts))))
    ).value
    texts = (value.job_id, value.status, value.sync_mode, value.message)
    assert [len(text) for text in texts] == [128, 64, 64, 300]
    assert all(text.startswith("a [31m bbb") for text in texts)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("job_id", None),
        ("job_id", ""),
        ("job_id", " \u202e"),
        ("job_id", 7),
        ("status", None),
        ("status", ["completed"]),
        ("status", "Failed"),
        ("tools_synced", "42"),
        ("tools_created", True),
        ("tools_updated", -1),
        ("tools_updated", 1.0),
        ("tools_synced", 2**31),
        ("tools_unchanged", "39"),
        ("tools_unchanged", False),
        ("sync_mode", 1),
        ("message", {"text": "Done."}),
    ],
)
def test_unreadable_200_keeps_its_http_status(
    start_server: StartServer, make_client: MakeClient, field: str, value: Any
) -> None:
    client = make_client(
        start_server(respond_in_turn(response_bytes(SYNC_STARTED_BODY | {field: value})))
    )
    error = error_of(start_sync, client)
    assert isinstance(error, UnreadableResponse)
    assert (error.http_status, error.field, error.request_sent) == (200, field, True)
    assert error.detail


@pytest.mark.parametrize(
    "field", ["job_id", "status", "tools_synced", "tools_created", "tools_updated"]
)
def test_missing_field_of_a_started_sync_is_named(
    start_server: StartServer, make_client: MakeClient, field: str
) -> None:
    body = {name: value for name, value in SYNC_STARTED_BODY.items() if name != field}
    error = error_of(start_sync, make_client(start_server(respond_in_turn(response_bytes(body)))))
    assert (error.http_status, error.field, error.detail) == (200, field, "missing")


def test_conflict_is_an_unexpected_status_with_its_code(
    start_server: StartServer, make_client: MakeClient
) -> None:
    body = {"success": False, "error": {"code": "CONFLICT", "message": "It runs already."}}
    error = error_of(
        start_sync, make_client(start_server(respond_in_turn(response_bytes(body, "409 X"))))
    )
    assert isinstance(error, UnexpectedStatus)
    assert (error.http_status, error.code, error.message) == (409, "CONFLICT", "It runs already.")


def test_start_sync_waits_for_its_own_read_timeout(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(
        lambda connection: (connection.read_request(), connection.pause(ENDLESS_SECONDS))
    )
    client = make_client(server, read_timeout=0.01, total_timeout=0.02)
    with pytest.raises(RequestTimedOut) as excinfo:
        client.start_sync(secret=KEY, full=False, read_timeout=0.2)
    assert (excinfo.value.kind, excinfo.value.request_sent) == ("read_timeout", True)
    assert excinfo.value.elapsed_ms >= 190
    assert len(server.wait_for_requests(1)) == 1


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 86_401])
def test_impossible_read_timeout_is_refused_at_once(
    start_server: StartServer, make_client: MakeClient, seconds: float
) -> None:
    server = start_server(respond_in_turn(response_bytes(SYNC_STARTED_BODY)))
    with pytest.raises(ValueError, match="read_timeout"):
        make_client(server).start_sync(secret=KEY, full=False, read_timeout=seconds)
    assert server.connections == 0

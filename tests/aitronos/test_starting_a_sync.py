"""*Trigger connector sync*: what goes out, what comes back, and how long it may take."""

import math
from typing import Any

import pytest

from freddy_admin.aitronos.errors import TimedOut, UnexpectedStatus, UnreadableAnswer
from freddy_admin.aitronos.types import SyncStarted
from tests.aitronos.calls import STARTED, error_of, start_sync
from tests.aitronos.conftest import KEY, MakeClient, Serve
from tests.aitronos.wire import ENDLESS, answer, key_of, says


@pytest.mark.parametrize(("full", "word"), [(True, b"true"), (False, b"false")])
def test_it_is_a_post_with_its_query_its_key_and_no_body(
    serve: Serve, make_client: MakeClient, full: bool, word: bytes
) -> None:
    server = serve(says(answer(STARTED)))
    make_client(server).start_sync(secret=f" {KEY}\n", full=full, read_timeout=5)
    (request,) = server.requests
    assert request.startswith(
        b"POST /v1/admin/composio/sync?force_full_sync=" + word + b" HTTP/1.1\r\n"
    )
    assert b"Content-Length: 0\r\n" in request
    assert request.endswith(b"\r\n\r\n")
    assert key_of(request) == KEY


def test_its_answer_becomes_a_typed_value(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer(STARTED, headers={"x-request-id": "req_1"})))
    answered = start_sync(make_client(server))
    assert answered.value == SyncStarted(
        "sync_1", "completed", 42, 1, 2, 39, "incremental", "Done."
    )
    assert (answered.info.request_id, answered.info.attempts) == ("req_1", 1)


@pytest.mark.parametrize("absent", [True, False])
def test_what_the_api_may_leave_out_is_empty(
    serve: Serve, make_client: MakeClient, absent: bool
) -> None:
    optional = ("tools_unchanged", "sync_mode", "message")
    body = {name: value for name, value in STARTED.items() if name not in optional}
    body |= {} if absent else dict.fromkeys(optional)
    value = start_sync(make_client(serve(says(answer(body))))).value
    assert (value.tools_unchanged, value.sync_mode, value.message) == (None, "", "")


def test_its_texts_are_cleaned_and_cut(serve: Serve, make_client: MakeClient) -> None:
    texts = dict.fromkeys(
        ("job_id", "status", "sync_mode", "message"), "a\x1b[31m\u202e" + "b" * 400
    )
    value = start_sync(make_client(serve(says(answer(STARTED | texts))))).value
    found = (value.job_id, value.status, value.sync_mode, value.message)
    assert [len(text) for text in found] == [128, 64, 64, 300]
    assert all(text.startswith("a [31m bbb") for text in found)


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
def test_a_200_that_cannot_be_read_is_still_known_as_a_200(
    serve: Serve, make_client: MakeClient, field: str, value: Any
) -> None:
    client = make_client(serve(says(answer(STARTED | {field: value}))))
    error = error_of(start_sync, client)
    assert isinstance(error, UnreadableAnswer)
    assert (error.http_status, error.field, error.sent) == (200, field, True)
    assert error.detail


@pytest.mark.parametrize(
    "field", ["job_id", "status", "tools_synced", "tools_created", "tools_updated"]
)
def test_a_missing_field_is_named(serve: Serve, make_client: MakeClient, field: str) -> None:
    body = {name: value for name, value in STARTED.items() if name != field}
    error = error_of(start_sync, make_client(serve(says(answer(body)))))
    assert (error.http_status, error.field, error.detail) == (200, field, "missing")


def test_a_conflict_is_an_unexpected_status_with_its_code(
    serve: Serve, make_client: MakeClient
) -> None:
    body = {"success": False, "error": {"code": "CONFLICT", "message": "It runs already."}}
    error = error_of(start_sync, make_client(serve(says(answer(body, "409 X")))))
    assert isinstance(error, UnexpectedStatus)
    assert (error.http_status, error.code, error.message) == (409, "CONFLICT", "It runs already.")


def test_it_waits_as_long_as_it_is_told_to_and_not_as_long_as_other_calls(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(lambda talk: (talk.request(), talk.pause(ENDLESS)))
    client = make_client(server, read_timeout=0.01, total_timeout=0.02)
    with pytest.raises(TimedOut) as caught:
        client.start_sync(secret=KEY, full=False, read_timeout=0.2)
    assert (caught.value.kind, caught.value.sent) == ("read_timeout", True)
    assert caught.value.elapsed_ms >= 190
    assert len(server.asked(1)) == 1


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 86_401])
def test_a_time_that_cannot_be_waited_is_refused_at_once(
    serve: Serve, make_client: MakeClient, seconds: float
) -> None:
    server = serve(says(answer(STARTED)))
    with pytest.raises(ValueError, match="read_timeout"):
        make_client(server).start_sync(secret=KEY, full=False, read_timeout=seconds)
    assert server.connections == 0

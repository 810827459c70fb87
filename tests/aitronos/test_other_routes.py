"""The other routes of the API are a few lines each: what is not a GET is never sent twice."""

import json
from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError, ServerError, TimedOut, UnexpectedStatus
from freddy_admin.aitronos.routes import Route
from freddy_admin.aitronos.types import Answer
from tests.aitronos.conftest import KEY, MakeClient, Serve
from tests.aitronos.wire import answer, key_of, says

TRIGGER = Route("POST", "/v1/admin/composio/sync?force_full_sync=true", read_timeout=0.2)
SWITCH = Route("PATCH", "/v1/admin/composio/tools/a%2Fb/status", body=b'{"is_enabled": false}')


def call(client: AitronosClient, route: Route) -> Answer[Any] | AitronosError:
    return client._call(route, lambda told: told, secret=KEY, connection="1.1")


def test_a_post_goes_out_with_its_query_and_its_key(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer({"job_id": "j"})))
    outcome = call(make_client(server), TRIGGER)
    assert isinstance(outcome, Answer)
    assert outcome.value == {"job_id": "j"}
    assert server.requests[0].startswith(
        b"POST /v1/admin/composio/sync?force_full_sync=true HTTP/1.1\r\n"
    )
    assert b"Content-Length: 0\r\n" in server.requests[0]
    assert key_of(server.requests[0]) == KEY


def test_a_patch_goes_out_with_its_json(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer({"tool_key": "a/b"})))
    assert isinstance(call(make_client(server), SWITCH), Answer)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PATCH /v1/admin/composio/tools/a%2Fb/status HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == {"is_enabled": False}


@pytest.mark.parametrize("route", [TRIGGER, SWITCH], ids=lambda route: route.method)
@pytest.mark.parametrize("data", [answer("", "503 X"), answer("", "429 X"), b""])
def test_what_changes_something_is_never_sent_twice(
    serve: Serve, make_client: MakeClient, route: Route, data: bytes
) -> None:
    def script(talk: Any) -> None:
        talk.request()
        talk.send(data)

    server = serve(script)
    outcome = call(make_client(server, total_timeout=5), route)
    assert isinstance(outcome, AitronosError)
    assert (outcome.attempts, len(server.requests)) == (1, 1)


def test_not_even_where_an_idle_connection_had_died(serve: Serve, make_client: MakeClient) -> None:
    def script(talk: Any) -> None:
        talk.request()
        talk.send(answer({}))
        talk.request()
        talk.reset()

    server = serve(script)
    client = make_client(server, total_timeout=5)
    assert isinstance(call(client, TRIGGER), Answer)
    assert isinstance(call(client, TRIGGER), AitronosError)
    assert len(server.requests) == 2


def test_a_long_route_has_a_time_limit_of_its_own(serve: Serve, make_client: MakeClient) -> None:
    server = serve(lambda talk: (talk.request(), talk.pause(2)))
    outcome = call(make_client(server, read_timeout=0.01, total_timeout=0.02), TRIGGER)
    assert isinstance(outcome, TimedOut)
    assert outcome.elapsed_ms >= 190


def test_an_unknown_tool_is_an_unexpected_status_with_its_code(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer({"error": {"code": "NOT_FOUND"}}, "404 X")))
    outcome = call(make_client(server), SWITCH)
    assert isinstance(outcome, UnexpectedStatus)
    assert (outcome.code, outcome.http_status) == ("NOT_FOUND", 404)


def test_a_get_on_another_route_is_repeated(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer("", "502 X")))
    outcome = call(
        make_client(server, total_timeout=5), Route("GET", "/v1/admin/composio/auth-configs")
    )
    assert isinstance(outcome, ServerError)
    assert outcome.attempts == 3

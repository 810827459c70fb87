"""*Update a tool's status*: whatever a tool is called, its key is one segment of the path."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import UnexpectedStatus, UnreadableResponse
from freddy_admin.aitronos.types import ToolSwitchedResponse
from tests.aitronos.api_calls import TOOL_SWITCHED_BODY, error_of, switch_tool
from tests.aitronos.conftest import KEY, NOON, MakeClient, StartServer
from tests.aitronos.scripted_server import (
    ScriptedConnection,
    ScriptedServer,
    request_key,
    respond_in_turn,
    response_bytes,
)
from tests.drill_scale import drill_count

START, END = "/v1/admin/composio/tools/", "/status"


class Switchboard:
    """A server that takes every switch, and its client."""

    def __init__(self) -> None:
        self.server = ScriptedServer(self._switched)
        self.client = AitronosClient(ClientConfig(self.server.base_url), clock=lambda: NOON)

    def _switched(self, connection: ScriptedConnection) -> None:
        while connection.read_request():
            connection.send(response_bytes(TOOL_SWITCHED_BODY | {"tool_key": self.tool_key}))

    def target_of(self, tool_key: str) -> str:
        """The target of the request that switches this tool."""
        self.tool_key = tool_key
        try:
            self.client.switch_tool(secret=KEY, tool_key=tool_key, enabled=False)
        except UnreadableResponse as error:
            assert error.field == "tool_key"  # noqa: PT017  of a key with nothing to be seen
        method, target, version = self.server.requests[-1].split(b"\r\n")[0].decode().split(" ")
        assert (method, version) == ("PATCH", "HTTP/1.1")
        return target


@pytest.fixture(scope="module")
def switchboard() -> Iterator[Switchboard]:
    board = Switchboard()
    yield board
    board.server.close()


@pytest.mark.parametrize("enabled", [True, False])
def test_switch_tool_is_a_patch_with_json_and_key(
    start_server: StartServer, make_client: MakeClient, enabled: bool
) -> None:
    server = start_server(
        respond_in_turn(response_bytes(TOOL_SWITCHED_BODY | {"is_enabled": enabled}))
    )
    client = make_client(server)
    value = client.switch_tool(secret=KEY, tool_key="gmail", enabled=enabled).value
    assert value == ToolSwitchedResponse("tool_1", "gmail", enabled, "Tool disabled.")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PATCH /v1/admin/composio/tools/gmail/status HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == {"is_enabled": enabled}
    assert request_key(server.requests[0]) == KEY


@pytest.mark.parametrize(
    ("tool_key", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("../../health", "..%2F..%2Fhealth"),
        ("a?b=c&d", "a%3Fb%3Dc%26d"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("%2e%2e", "%252e%252e"),
        ("a#b", "a%23b"),
        ("a b\r\nX-Evil: 1", "a%20b%0D%0AX-Evil%3A%201"),
        ("grüße", "gr%C3%BC%C3%9Fe"),
        ("工具", "%E5%B7%A5%E5%85%B7"),
        ("...", "..."),
        ("GMAIL_SEND-mail.v2~x", "GMAIL_SEND-mail.v2~x"),
        ("@user:pass;x", "%40user%3Apass%3Bx"),
    ],
)
def test_strange_tool_key_is_one_path_segment(
    switchboard: Switchboard, tool_key: str, segment: str
) -> None:
    assert switchboard.target_of(tool_key) == f"{START}{segment}{END}"


@pytest.mark.drill
@settings(deadline=None, max_examples=drill_count(600))
@given(tool_key=st.text(min_size=1, max_size=40).filter(lambda text: text not in {".", ".."}))
def test_any_tool_key_arrives_unchanged(switchboard: Switchboard, tool_key: str) -> None:
    target = switchboard.target_of(tool_key)
    segment = target.removeprefix(START).removesuffix(END)
    assert target == f"{START}{segment}{END}"
    assert not set(segment) & set("/?#")
    assert unquote(segment) == tool_key


@pytest.mark.parametrize("tool_key", ["", ".", "..", "\ud800"])
def test_tool_key_that_is_no_path_segment_is_refused_unsent(
    start_server: StartServer, make_client: MakeClient, tool_key: str
) -> None:
    server = start_server(respond_in_turn(response_bytes(TOOL_SWITCHED_BODY)))
    with pytest.raises(ValueError, match="tool key"):
        make_client(server).switch_tool(secret=KEY, tool_key=tool_key, enabled=True)
    assert server.connections == 0


@pytest.mark.parametrize("is_absent", [True, False])
def test_id_and_message_of_a_switched_tool_may_be_missing(
    start_server: StartServer, make_client: MakeClient, is_absent: bool
) -> None:
    body = {"tool_key": "gmail", "is_enabled": False}
    body |= {} if is_absent else {"tool_id": None, "message": None}
    value = switch_tool(make_client(start_server(respond_in_turn(response_bytes(body))))).value
    assert value == ToolSwitchedResponse("", "gmail", False, "")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("is_enabled", True),
        ("is_enabled", None),
        ("is_enabled", 0),
        ("is_enabled", "false"),
        ("tool_key", None),
        ("tool_key", ""),
        ("tool_key", 5),
        ("tool_key", "slack"),
        ("tool_id", 5),
        ("message", []),
    ],
)
def test_response_about_another_tool_or_state_is_unreadable(
    start_server: StartServer, make_client: MakeClient, field: str, value: Any
) -> None:
    client = make_client(
        start_server(respond_in_turn(response_bytes(TOOL_SWITCHED_BODY | {field: value})))
    )
    error = error_of(switch_tool, client)
    assert isinstance(error, UnreadableResponse)
    assert (error.http_status, error.field, error.request_sent) == (200, field, True)


def test_unknown_tool_is_an_unexpected_status_with_its_code(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(
        respond_in_turn(response_bytes({"error": {"code": "NOT_FOUND"}}, "404 X"))
    )
    error = error_of(switch_tool, make_client(server))
    assert isinstance(error, UnexpectedStatus)
    assert (error.code, error.http_status, error.request_sent) == ("NOT_FOUND", 404, True)

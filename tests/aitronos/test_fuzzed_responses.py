"""Whatever bytes the other side sends: a value or a typed error, and nothing else."""

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freddy_admin.aitronos import json_parsing, response_parsing
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.error_mapping import error_from_response
from freddy_admin.aitronos.errors import AitronosError, UnreadableResponse
from freddy_admin.aitronos.text_cleaning import clean_text
from freddy_admin.aitronos.types import SyncStatusResponse
from tests.aitronos.api_calls import ALL_CALLS
from tests.aitronos.conftest import KEY, NOON
from tests.aitronos.scripted_server import (
    GOOD_BODY,
    ScriptedConnection,
    ScriptedServer,
    response_bytes,
)
from tests.drill_scale import drill_count

pytestmark = pytest.mark.drill

quick_settings = settings(
    deadline=None,
    max_examples=drill_count(400),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
header_values = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
PARSERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "start_sync": response_parsing.parse_sync_started,
    "switch_tool": partial(response_parsing.parse_tool_switched, tool_key="gmail", enabled=False),
    "list_auth_configs": response_parsing.parse_auth_configs,
    "list_connectors": response_parsing.parse_connector_page,
}
HEADERS = ["Retry-After", "X-RateLimit-Retry-After", "x-request-id", "Content-Type"]


class ByteServer:
    """A server that sends `next_response`, and its client."""

    def __init__(self) -> None:
        self.next_response = b""
        self.server = ScriptedServer(self._script)
        self.client = AitronosClient(
            ClientConfig(self.server.base_url, read_timeout=0.2, total_timeout=0.5),
            clock=lambda: NOON,
            sleep=lambda _: None,
        )

    def _script(self, connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(self.next_response)

    def fetch_result(self, data: bytes) -> SyncStatusResponse | AitronosError:
        self.next_response = data
        try:
            return self.client.get_sync_status(secret=KEY).value
        except AitronosError as error:
            return error

    def close(self) -> None:
        self.server.close()


@pytest.fixture(scope="module")
def byte_server() -> Iterator[ByteServer]:
    server = ByteServer()
    yield server
    server.close()


def assert_storable(error: AitronosError) -> None:
    for text in (
        error.code,
        error.message,
        error.trace_id,
        error.request_id,
        error.field,
        error.detail,
    ):
        assert text.isprintable()
        assert len(text) <= 300
        text.encode()
    assert error.retry_after is None or 1 <= error.retry_after <= 3600


@quick_settings
@given(data=st.binary(max_size=200))
def test_any_bytes_as_a_response_end_in_a_value_or_a_typed_error(
    byte_server: ByteServer, data: bytes
) -> None:
    assert isinstance(byte_server.fetch_result(data), AitronosError)


@quick_settings
@given(data=st.binary(max_size=200))
def test_any_bytes_behind_a_status_line_end_in_a_typed_error(
    byte_server: ByteServer, data: bytes
) -> None:
    assert isinstance(byte_server.fetch_result(b"HTTP/1.1 200 OK\r\n" + data), AitronosError)


@quick_settings
@given(data=st.binary(max_size=200))
def test_any_bytes_as_chunks_end_in_a_value_or_a_typed_error(
    byte_server: ByteServer, data: bytes
) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert isinstance(byte_server.fetch_result(head + data), AitronosError)


@quick_settings
@given(data=st.binary(max_size=200), status=st.integers(200, 599))
def test_any_bytes_as_a_body_end_in_a_value_or_a_typed_error(
    byte_server: ByteServer, data: bytes, status: int
) -> None:
    outcome = byte_server.fetch_result(response_bytes(data, f"{status} X"))
    assert isinstance(outcome, AitronosError)
    assert outcome.http_status == status
    assert_storable(outcome)


@quick_settings
@given(position=st.integers(0, 400), byte=st.integers(0, 255))
def test_response_with_one_changed_byte_ends_in_a_value_or_a_typed_error(
    byte_server: ByteServer, position: int, byte: int
) -> None:
    data = bytearray(response_bytes())
    data[position % len(data)] = byte
    outcome = byte_server.fetch_result(bytes(data))
    assert isinstance(outcome, SyncStatusResponse | AitronosError)


@quick_settings
@given(length=st.integers(0, 400))
def test_response_that_was_cut_short_ends_in_a_typed_error(
    byte_server: ByteServer, length: int
) -> None:
    data = response_bytes()
    assert isinstance(byte_server.fetch_result(data[: length % len(data)]), AitronosError)


@settings(deadline=None, max_examples=drill_count(500))
@given(name=st.sampled_from(list(GOOD_BODY)), value=json_values)
def test_any_value_in_any_field_ends_in_a_value_or_a_typed_error(name: str, value: Any) -> None:
    body = json.dumps(GOOD_BODY | {name: value}).encode()
    try:
        status = response_parsing.parse_sync_status(
            json_parsing.parse_json_body({"Content-Type": "application/json"}, body)
        )
    except AitronosError as error:
        assert_storable(error)
    else:
        assert all(
            type(figure) is int for figure in (status.total_tools, status.sync_interval_hours)
        )
        assert type(status.incremental_sync_enabled) is bool


def assert_displayable(value: Any) -> None:
    """Every text of a value is one harmless line, every figure one that a database takes."""
    if isinstance(value, str):
        assert value.isprintable()
        assert len(value) <= 300
        value.encode()
    elif isinstance(value, tuple):
        assert len(value) <= 2000
        for item in value:
            assert_displayable(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            assert_displayable(getattr(value, field.name))
    elif value is not None and not isinstance(value, datetime):
        assert type(value) is bool or 0 <= value < 2**31


def json_like(example: Any) -> st.SearchStrategy[Any]:
    """JSON of this shape, with something else in some places."""
    if isinstance(example, dict):
        fields = st.fixed_dictionaries(
            {}, optional={name: json_like(value) for name, value in example.items()}
        )
        return st.just(example) | fields | json_values
    if isinstance(example, list):
        return st.lists(json_like(example[0]), max_size=3) | json_values
    return st.just(example) | st.none() | json_values


@settings(deadline=None, max_examples=drill_count(1500))
@given(data=st.data(), name=st.sampled_from(list(PARSERS)))
def test_any_json_for_any_call_ends_in_a_value_or_a_typed_error(
    data: st.DataObject, name: str
) -> None:
    parse = PARSERS[name]
    body = json.dumps(data.draw(json_like(ALL_CALLS[name][1]))).encode()
    try:
        value = parse(json_parsing.parse_json_body({"Content-Type": "application/json"}, body))
    except UnreadableResponse as error:
        assert_storable(error)
    else:
        assert_displayable(value)


@quick_settings
@given(data=st.data(), name=st.sampled_from(list(ALL_CALLS)))
def test_any_json_over_the_network_ends_in_a_value_or_a_typed_error(
    byte_server: ByteServer, data: st.DataObject, name: str
) -> None:
    call, body = ALL_CALLS[name]
    byte_server.next_response = response_bytes(json.dumps(data.draw(json_like(body))))
    try:
        assert_displayable(call(byte_server.client).value)
    except UnreadableResponse as error:
        assert_storable(error)


@settings(deadline=None, max_examples=drill_count(500))
@given(
    status=st.integers(100, 999).filter(lambda status: status != 200),
    body=json_values
    | st.fixed_dictionaries({}, optional={"error": json_values, "detail": json_values}),
    headers=st.dictionaries(st.sampled_from(HEADERS), header_values),
)
def test_any_json_with_any_other_status_ends_in_a_typed_error(
    status: int, body: Any, headers: dict[str, str]
) -> None:
    assert_storable(
        error_from_response(status, headers, json.dumps(body).encode(), clock=lambda: NOON)
    )


@settings(deadline=None, max_examples=drill_count(500))
@given(text=st.text(max_size=300), limit=st.integers(1, 64))
def test_clean_text_makes_any_text_fit_to_store(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert cleaned.isprintable()
    assert cleaned == cleaned.strip()
    cleaned.encode()


def test_calls_leave_no_thread_behind(byte_server: ByteServer) -> None:
    byte_server.fetch_result(response_bytes())
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("deadline") == 1

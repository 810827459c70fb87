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

from freddy_admin.aitronos import parsing, parsing_changes, parsing_lists
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import AitronosError, UnreadableAnswer
from freddy_admin.aitronos.failures import failure_of
from freddy_admin.aitronos.text import cleaned
from freddy_admin.aitronos.types import SyncStatus
from tests.aitronos.calls import EVERY
from tests.aitronos.conftest import KEY, NOON
from tests.aitronos.wire import GOOD, ScriptedServer, Talk, answer
from tests.drills import drill_share

pytestmark = pytest.mark.drill

quick = settings(
    deadline=None,
    max_examples=drill_share(400),
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
    "start_sync": parsing_changes.sync_started,
    "switch_tool": partial(parsing_changes.tool_switched, tool_key="gmail", enabled=False),
    "list_auth_configs": parsing_lists.auth_configs,
    "list_connectors": parsing_lists.connector_page,
}
HEADERS = ["Retry-After", "X-RateLimit-Retry-After", "x-request-id", "Content-Type"]


class Mouth:
    """A server that says the next thing put into it, and its client."""

    def __init__(self) -> None:
        self.says = b""
        self.server = ScriptedServer(self._script)
        self.client = AitronosClient(
            ClientConfig(self.server.base_url, read_timeout=0.2, total_timeout=0.5),
            clock=lambda: NOON,
            sleep=lambda _: None,
        )

    def _script(self, talk: Talk) -> None:
        talk.request()
        talk.send(self.says)

    def outcome(self, data: bytes) -> SyncStatus | AitronosError:
        self.says = data
        try:
            return self.client.get_sync_status(secret=KEY, connection="1.1").value
        except AitronosError as error:
            return error

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture(scope="module")
def mouth() -> Iterator[Mouth]:
    one = Mouth()
    yield one
    one.close()


def fit_to_store(error: AitronosError) -> None:
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


@quick
@given(data=st.binary(max_size=200))
def test_any_bytes_as_an_answer(mouth: Mouth, data: bytes) -> None:
    assert isinstance(mouth.outcome(data), AitronosError)


@quick
@given(data=st.binary(max_size=200))
def test_any_bytes_behind_a_status_line(mouth: Mouth, data: bytes) -> None:
    assert isinstance(mouth.outcome(b"HTTP/1.1 200 OK\r\n" + data), AitronosError)


@quick
@given(data=st.binary(max_size=200))
def test_any_bytes_as_chunks(mouth: Mouth, data: bytes) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert isinstance(mouth.outcome(head + data), AitronosError)


@quick
@given(data=st.binary(max_size=200), status=st.integers(200, 599))
def test_any_bytes_as_a_body(mouth: Mouth, data: bytes, status: int) -> None:
    outcome = mouth.outcome(answer(data, f"{status} X"))
    assert isinstance(outcome, AitronosError)
    assert outcome.http_status == status
    fit_to_store(outcome)


@quick
@given(at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_good_answer_with_one_byte_changed(mouth: Mouth, at: int, byte: int) -> None:
    data = bytearray(answer())
    data[at % len(data)] = byte
    outcome = mouth.outcome(bytes(data))
    assert isinstance(outcome, SyncStatus | AitronosError)


@quick
@given(cut=st.integers(0, 400))
def test_a_good_answer_cut_short(mouth: Mouth, cut: int) -> None:
    data = answer()
    assert isinstance(mouth.outcome(data[: cut % len(data)]), AitronosError)


@settings(deadline=None, max_examples=drill_share(500))
@given(name=st.sampled_from(list(GOOD)), value=json_values)
def test_any_value_in_any_field(name: str, value: Any) -> None:
    body = json.dumps(GOOD | {name: value}).encode()
    try:
        status = parsing.sync_status(
            parsing.body_object({"Content-Type": "application/json"}, body)
        )
    except AitronosError as error:
        fit_to_store(error)
    else:
        assert all(
            type(number) is int for number in (status.total_tools, status.sync_interval_hours)
        )
        assert type(status.incremental_sync_enabled) is bool


def fit_to_show(value: Any) -> None:
    """Every text of a value is one harmless line, every figure one that a database takes."""
    if isinstance(value, str):
        assert value.isprintable()
        assert len(value) <= 300
        value.encode()
    elif isinstance(value, tuple):
        assert len(value) <= 2000
        for one in value:
            fit_to_show(one)
    elif dataclasses.is_dataclass(value):
        for part in dataclasses.fields(value):
            fit_to_show(getattr(value, part.name))
    elif value is not None and not isinstance(value, datetime):
        assert type(value) is bool or 0 <= value < 2**31


def like(whole: Any) -> st.SearchStrategy[Any]:
    """JSON of this shape, with something else in some places."""
    if isinstance(whole, dict):
        shape = st.fixed_dictionaries({}, optional={name: like(one) for name, one in whole.items()})
        return st.just(whole) | shape | json_values
    if isinstance(whole, list):
        return st.lists(like(whole[0]), max_size=3) | json_values
    return st.just(whole) | st.none() | json_values


@settings(deadline=None, max_examples=drill_share(1500))
@given(data=st.data(), name=st.sampled_from(list(PARSERS)))
def test_any_json_for_any_call(data: st.DataObject, name: str) -> None:
    parse = PARSERS[name]
    body = json.dumps(data.draw(like(EVERY[name][1]))).encode()
    try:
        value = parse(parsing.body_object({"Content-Type": "application/json"}, body))
    except UnreadableAnswer as error:
        fit_to_store(error)
    else:
        fit_to_show(value)


@quick
@given(data=st.data(), name=st.sampled_from(list(EVERY)))
def test_any_json_over_the_wire_is_a_value_or_a_typed_error(
    mouth: Mouth, data: st.DataObject, name: str
) -> None:
    call, body = EVERY[name]
    mouth.says = answer(json.dumps(data.draw(like(body))))
    try:
        fit_to_show(call(mouth.client).value)
    except UnreadableAnswer as error:
        fit_to_store(error)


@settings(deadline=None, max_examples=drill_share(500))
@given(
    status=st.integers(100, 999).filter(lambda status: status != 200),
    told=json_values
    | st.fixed_dictionaries({}, optional={"error": json_values, "detail": json_values}),
    headers=st.dictionaries(st.sampled_from(HEADERS), header_values),
)
def test_any_json_with_any_other_status(status: int, told: Any, headers: dict[str, str]) -> None:
    fit_to_store(failure_of(status, headers, json.dumps(told).encode(), clock=lambda: NOON))


@settings(deadline=None, max_examples=drill_share(500))
@given(text=st.text(max_size=300), limit=st.integers(1, 64))
def test_any_text_is_made_fit(text: str, limit: int) -> None:
    found = cleaned(text, limit)
    assert len(found) <= limit
    assert found.isprintable()
    assert found == found.strip()
    found.encode()


def test_no_thread_is_left_over(mouth: Mouth) -> None:
    mouth.outcome(answer())
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("deadline") == 1

"""A planted key is in no exception, however it is turned over, and in no log."""

import gc
import http.client
import logging
import re
import traceback
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest

from freddy_admin.aitronos.errors import AitronosError, FailureKind, InvalidSecret
from tests.aitronos.api_calls import (
    ALL_CALLS,
    AUTH_CONFIG_BODY,
    CATALOG_CALLS,
    CONNECTOR_BODY,
    CONNECTOR_PAGE_BODY,
    Call,
)
from tests.aitronos.conftest import KEY, MakeClient, StartServer, fetch_sync_status
from tests.aitronos.scripted_server import (
    ENDLESS_SECONDS,
    Script,
    ScriptedConnection,
    respond_in_turn,
    respond_once,
    response_bytes,
)
from tests.leak_search import substrings_of_length

ERROR_WITH_KEY_PART = {
    "error": dict.fromkeys(("code", "message", "trace_id"), f"key …{KEY[20:28]}… is bad")
}
ERROR_WITH_KEY = {"error": dict.fromkeys(("code", "message", "trace_id"), f"your key {KEY} is bad")}


def break_connection(connection: ScriptedConnection) -> None:
    connection.read_request()
    connection.reset()


FAULTS: dict[str, Script] = {
    "silence": lambda connection: (connection.read_request(), connection.pause(ENDLESS_SECONDS)),
    "reset": break_connection,
    "hang up": lambda connection: connection.read_request(),
    "401": respond_in_turn(response_bytes("", "401 X")),
    "403": respond_in_turn(response_bytes({"detail": "no"}, "403 X")),
    "429": respond_in_turn(response_bytes("", "429 X")),
    "500 as HTML": respond_in_turn(response_bytes("<html>", "500 X")),
    "503": respond_in_turn(response_bytes("", "503 X")),
    "302": respond_in_turn(
        response_bytes("", "302 X", headers={"Location": "http://127.0.0.1:1/"})
    ),
    "103": respond_in_turn(response_bytes("", "103 X")),
    "no HTTP": respond_once(b"garbage\r\n\r\n"),
    "malformed head": respond_once(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
    "huge header": respond_once(b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000),
    "truncated": respond_once(response_bytes()[:-9]),
    "not JSON": respond_in_turn(response_bytes("<html>")),
    "wrong type": respond_in_turn(response_bytes({"total_tools": "x"})),
    "compressed": respond_in_turn(response_bytes("x", headers={"Content-Encoding": "gzip"})),
    "echo in a refusal": respond_in_turn(
        response_bytes(ERROR_WITH_KEY, "401 X", headers={"x-request-id": KEY})
    ),
    "parts in a refusal": respond_in_turn(
        response_bytes(ERROR_WITH_KEY_PART, "401 X", headers={"x-request-id": KEY[30:38]})
    ),
    "echo in a detail": respond_in_turn(
        response_bytes({"detail": [{"msg": f"{'x' * 280} {KEY}"}]}, "422 X")
    ),
    "echo in a figure": respond_in_turn(response_bytes({"total_tools": KEY})),
    "echo in a cut figure": respond_in_turn(response_bytes({"total_tools": "x" * 40 + KEY})),
    "echo in a name": respond_once(response_bytes(f'{{"{KEY}": 1, "{KEY}": 2}}')),
    "echo in a list": respond_in_turn(
        response_bytes({"auth_configs": [{"id": 5}], "connectors": [{"id": [KEY]}]})
    ),
    "echo in an item": respond_in_turn(
        response_bytes({"connectors": [CONNECTOR_BODY | {"tool_key": [KEY]}]})
    ),
    "echo in an id": respond_in_turn(
        response_bytes({"auth_configs": [AUTH_CONFIG_BODY | {"id": [KEY]}]})
    ),
    "echo in what was done": respond_in_turn(
        response_bytes({"job_id": KEY, "status": KEY, "tools_synced": KEY})
    ),
    "echo in the type": respond_in_turn(response_bytes(media=KEY)),
    "echo as the status line": respond_once(KEY.encode() + b"\r\n\r\n"),
}
UNSENDABLE_KEYS = [
    f"{KEY}\n{KEY}",
    f"{KEY} {KEY}",
    f"{KEY}\u2019",
    f"{KEY}\x00",
    f"{KEY}\r\nX: y",
    KEY * 20,
]


def reachable_texts(error: BaseException) -> str:
    """Every text that can be reached from an exception."""
    visited: list[object] = []
    queue: list[object] = [error]
    while queue:
        obj = queue.pop()
        if any(obj is visited_object for visited_object in visited) or obj is None:
            continue
        visited.append(obj)
        if isinstance(obj, BaseException):
            queue += [obj.__cause__, obj.__context__, obj.args, vars(obj), *obj.__dict__.values()]
            queue += [frame.f_locals for frame, _ in traceback.walk_tb(obj.__traceback__)
                        if "freddy_admin" in frame.f_code.co_filename]  # fmt: skip
        elif isinstance(obj, dict):
            queue += [*obj.keys(), *obj.values()]
        elif isinstance(obj, tuple | list | set):
            queue += obj
    return " ".join(f"{obj!r} {obj}" for obj in visited)


def get_sync_status(client: Any, key: str = KEY) -> Any:
    return client.get_sync_status(secret=key)


CALLS: dict[str, Call] = {"get_sync_status": get_sync_status} | {
    name: call for name, (call, _) in ALL_CALLS.items()
}


def call_error(client: Any, key: str = KEY, call: Call = get_sync_status) -> AitronosError:
    try:
        call(client, key)
    except AitronosError as error:
        return error
    raise AssertionError("no error")


def key_parts(key: str) -> list[str]:
    return substrings_of_length(key.removeprefix("oak_live_"), 8)


def start_sync_briefly(client: Any, key: str = KEY) -> Any:
    return client.start_sync(secret=key, full=False, read_timeout=0.1)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_errors_and_logs_hold_no_key(
    start_server: StartServer,
    make_client: MakeClient,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    call: str,
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    for name in ("", "urllib3", "http.client", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    limits = {"connect_timeout": 5, "read_timeout": 0.05, "total_timeout": 60}
    client = make_client(start_server(FAULTS[fault]), **limits)
    error = call_error(client, KEY, start_sync_briefly if call == "start_sync" else CALLS[call])
    output = "".join(traceback.format_exception(error)) + caplog.text + "".join(capfd.readouterr())
    dump = reachable_texts(error) + output
    assert [part for part in key_parts(KEY) if part in dump] == []
    assert (error.__cause__, error.__context__) == (None, None)
    assert not any(hasattr(error, name) for name in ("request", "response"))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("key", UNSENDABLE_KEYS, ids=range(len(UNSENDABLE_KEYS)))
def test_error_of_an_unsendable_key_does_not_hold_it(
    start_server: StartServer, make_client: MakeClient, key: str, call: str
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    error = call_error(make_client(server), key, CALLS[call])
    assert isinstance(error, InvalidSecret)
    assert (error.kind, error.detail in {"characters", "too_long"}) == (
        FailureKind.INVALID_SECRET,
        True,
    )
    dump = reachable_texts(error) + "".join(traceback.format_exception(error))
    assert [part for part in key_parts(KEY) if part in dump] == []
    assert server.connections == 0


@pytest.mark.parametrize("call", CALLS)
def test_error_of_a_refused_connection_holds_no_key(make_client: MakeClient, call: str) -> None:
    error = call_error(make_client("http://127.0.0.1:1"), KEY, CALLS[call])
    assert KEY not in reachable_texts(error)
    assert KEY not in "".join(traceback.format_exception(error))


def test_echo_in_the_headers_of_a_response_is_redacted(
    start_server: StartServer, make_client: MakeClient
) -> None:
    headers = {
        "x-request-id": f"a {KEY}",
        "aitronos-organization": KEY,
        "x-trace-id": "x" * 100 + KEY,
    }
    info = fetch_sync_status(
        make_client(start_server(respond_in_turn(response_bytes(headers=headers))))
    ).info
    assert (info.request_id, info.organization_id) == ("a …", "…")
    assert info.trace_id == "x" * 100 + "…"


def with_echoes(body: Any, echo: str) -> Any:
    """The body with the echo behind every text, but in times."""
    if isinstance(body, dict):
        return {
            name: value if name.endswith("_at") else with_echoes(value, echo)
            for name, value in body.items()
        }
    if isinstance(body, list):
        return [with_echoes(value, echo) for value in body]
    return f"{body} {echo}" if isinstance(body, str) else body


@pytest.mark.parametrize("name", ALL_CALLS)
def test_echo_in_the_texts_of_a_response_is_redacted(
    start_server: StartServer, make_client: MakeClient, name: str
) -> None:
    call, body = ALL_CALLS[name]
    # A response about another tool is none: its key stays what was asked for.
    required = {name: body[name] for name in body if name == "tool_key"}
    value = call(
        make_client(
            start_server(respond_in_turn(response_bytes(with_echoes(body, KEY.upper()) | required)))
        )
    ).value
    assert KEY[:20] not in repr(value).lower()
    assert repr(value).count(" …'") >= 3 - len(required)


def test_cut_echo_is_redacted_and_other_texts_are_kept(
    start_server: StartServer, make_client: MakeClient
) -> None:
    body = CONNECTOR_PAGE_BODY | {"categories": ["x" * 40 + KEY, "crm", KEY[:7]]}
    value = CATALOG_CALLS["list_connectors"][0](
        make_client(start_server(respond_in_turn(response_bytes(body))))
    ).value
    assert value.categories == ("x" * 40 + "…", "crm", KEY[:7])


def test_short_key_does_not_redact_a_response(
    start_server: StartServer, make_client: MakeClient
) -> None:
    call, body = CATALOG_CALLS["list_connectors"]
    value = call(make_client(start_server(respond_in_turn(response_bytes(body)))), "gmail").value
    assert value.connectors[0].tool_key == "gmail"


def test_value_error_of_refused_arguments_holds_no_key(make_client: MakeClient) -> None:
    client = make_client("http://127.0.0.1:1")
    with pytest.raises(ValueError, match="read_timeout") as excinfo:
        client.start_sync(secret=KEY, full=True, read_timeout=0)
    assert KEY not in reachable_texts(excinfo.value)
    with pytest.raises(ValueError, match="tool key") as excinfo:
        client.switch_tool(secret=KEY, tool_key="..", enabled=True)
    assert KEY not in reachable_texts(excinfo.value)


def test_echo_in_another_letter_case_is_redacted(
    start_server: StartServer, make_client: MakeClient
) -> None:
    """The type of a body is lowered before it is quoted."""
    key = "oak_live_ABCdefGHIjklMNOpqrSTU"
    for media in (key, "x" * 150 + key.upper(), f"{key}; charset=x"):
        error = call_error(
            make_client(start_server(respond_in_turn(response_bytes(media=media)))), key
        )
        assert error.field == "Content-Type"
        assert "abcdef" not in error.detail.lower()
        assert error.detail.endswith("…")


def test_message_around_an_echo_is_kept(start_server: StartServer, make_client: MakeClient) -> None:
    error = call_error(make_client(start_server(FAULTS["echo in a refusal"])))
    assert error.message == "your key … is bad"


def iterate_reachable_objects(root: object) -> Iterator[object]:
    """What an object holds on to, through containers and instances."""
    visited_ids, queue = {id(root)}, [root]
    while queue:
        obj = queue.pop()
        yield obj
        for referent in gc.get_referents(obj):
            if id(referent) not in visited_ids and not isinstance(
                referent, type | FunctionType | ModuleType
            ):
                visited_ids.add(id(referent))
                queue.append(referent)


def test_client_keeps_no_key_after_a_call(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(
        respond_in_turn(response_bytes(), *(response_bytes(body) for _, body in ALL_CALLS.values()))
    )
    client = make_client(server)
    fetch_sync_status(client)
    for call, _ in ALL_CALLS.values():
        call(client)
    assert len(server.requests) == 1 + len(ALL_CALLS)
    objects = list(iterate_reachable_objects(client))
    assert any(isinstance(obj, PreparedRequest) for obj in objects)
    assert any(isinstance(obj, HTTPAdapter) for obj in objects)
    assert not any(KEY in obj for obj in objects if isinstance(obj, str))
    assert not any(KEY.encode() in obj for obj in objects if isinstance(obj, bytes))


def test_cache_of_the_re_module_holds_no_key(
    start_server: StartServer, make_client: MakeClient
) -> None:
    re.purge()
    call_error(make_client(start_server(FAULTS["echo in a refusal"])))
    fetch_sync_status(make_client(start_server(respond_in_turn(response_bytes()))))
    texts = [obj for obj in iterate_reachable_objects(vars(re)) if isinstance(obj, str)]
    assert texts
    assert not any(KEY[:8] in obj for obj in texts)

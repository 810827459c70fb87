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
from requests.models import PreparedRequest

from freddy_admin.aitronos.adapters import KeyAdapter
from freddy_admin.aitronos.errors import AitronosError, FailureKind, InvalidSecret
from tests.aitronos.calls import CONFIG, CONNECTOR, EVERY, LISTS, PAGE, Call
from tests.aitronos.conftest import KEY, MakeClient, Serve, ask
from tests.aitronos.wire import ENDLESS, Script, Talk, answer, once, says
from tests.searching import parts_in_a_row

PARTS = {"error": dict.fromkeys(("code", "message", "trace_id"), f"key …{KEY[20:28]}… is bad")}
ECHO = {"error": dict.fromkeys(("code", "message", "trace_id"), f"your key {KEY} is bad")}


def breaks(talk: Talk) -> None:
    talk.request()
    talk.reset()


FAULTS: dict[str, Script] = {
    "silence": lambda talk: (talk.request(), talk.pause(ENDLESS)),
    "reset": breaks,
    "hang up": lambda talk: talk.request(),
    "401": says(answer("", "401 X")),
    "403": says(answer({"detail": "no"}, "403 X")),
    "429": says(answer("", "429 X")),
    "500 as HTML": says(answer("<html>", "500 X")),
    "503": says(answer("", "503 X")),
    "302": says(answer("", "302 X", headers={"Location": "http://127.0.0.1:1/"})),
    "103": says(answer("", "103 X")),
    "no HTTP": once(b"garbage\r\n\r\n"),
    "malformed head": once(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
    "huge header": once(b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000),
    "truncated": once(answer()[:-9]),
    "not JSON": says(answer("<html>")),
    "wrong type": says(answer({"total_tools": "x"})),
    "compressed": says(answer("x", headers={"Content-Encoding": "gzip"})),
    "echo in a refusal": says(answer(ECHO, "401 X", headers={"x-request-id": KEY})),
    "parts in a refusal": says(answer(PARTS, "401 X", headers={"x-request-id": KEY[30:38]})),
    "echo in a detail": says(answer({"detail": [{"msg": f"{'x' * 280} {KEY}"}]}, "422 X")),
    "echo in a figure": says(answer({"total_tools": KEY})),
    "echo in a cut figure": says(answer({"total_tools": "x" * 40 + KEY})),
    "echo in a name": once(answer(f'{{"{KEY}": 1, "{KEY}": 2}}')),
    "echo in a list": says(answer({"auth_configs": [{"id": 5}], "connectors": [{"id": [KEY]}]})),
    "echo in an item": says(answer({"connectors": [CONNECTOR | {"is_connected": KEY}]})),
    "echo in a time": says(answer({"auth_configs": [CONFIG | {"created_at": KEY}]})),
    "echo in what was done": says(answer({"job_id": KEY, "status": KEY, "tools_synced": KEY})),
    "echo in the type": says(answer(media=KEY)),
    "echo as the status line": once(KEY.encode() + b"\r\n\r\n"),
}
UNSENDABLE = [
    f"{KEY}\n{KEY}",
    f"{KEY} {KEY}",
    f"{KEY}\u2019",
    f"{KEY}\x00",
    f"{KEY}\r\nX: y",
    KEY * 20,
]


def everything_about(error: BaseException) -> str:
    """Every text that can be reached from an exception."""
    seen: list[object] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if any(one is known for known in seen) or one is None:
            continue
        seen.append(one)
        if isinstance(one, BaseException):
            waiting += [one.__cause__, one.__context__, one.args, vars(one), *one.__dict__.values()]
            waiting += [frame.f_locals for frame, _ in traceback.walk_tb(one.__traceback__)
                        if "freddy_admin" in frame.f_code.co_filename]  # fmt: skip
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, tuple | list | set):
            waiting += one
    return " ".join(f"{one!r} {one}" for one in seen)


def status(client: Any, key: str = KEY) -> Any:
    return client.get_sync_status(secret=key, connection="1.1")


CALLS: dict[str, Call] = {"get_sync_status": status} | {
    name: call for name, (call, _) in EVERY.items()
}


def broken(client: Any, key: str = KEY, call: Call = status) -> AitronosError:
    try:
        call(client, key)
    except AitronosError as error:
        return error
    raise AssertionError("no error")


def parts(key: str) -> list[str]:
    return parts_in_a_row(key.removeprefix("oak_live_"), 8)


def hurried(client: Any, key: str = KEY) -> Any:
    return client.start_sync(secret=key, full=False, read_timeout=0.1)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_error_and_no_log_holds_the_key(
    serve: Serve,
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
    client = make_client(serve(FAULTS[fault]), **limits)
    error = broken(client, KEY, hurried if call == "start_sync" else CALLS[call])
    said = "".join(traceback.format_exception(error)) + caplog.text + "".join(capfd.readouterr())
    found = everything_about(error) + said
    assert [part for part in parts(KEY) if part in found] == []
    assert (error.__cause__, error.__context__) == (None, None)
    assert not any(hasattr(error, name) for name in ("request", "response"))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("key", UNSENDABLE, ids=range(len(UNSENDABLE)))
def test_a_key_that_cannot_be_sent_is_not_said(
    serve: Serve, make_client: MakeClient, key: str, call: str
) -> None:
    server = serve(says(answer()))
    error = broken(make_client(server), key, CALLS[call])
    assert isinstance(error, InvalidSecret)
    assert (error.kind, error.detail in {"characters", "too_long"}) == (
        FailureKind.INVALID_SECRET,
        True,
    )
    found = everything_about(error) + "".join(traceback.format_exception(error))
    assert [part for part in parts(KEY) if part in found] == []
    assert server.connections == 0


@pytest.mark.parametrize("call", CALLS)
def test_no_connection_holds_the_key(make_client: MakeClient, call: str) -> None:
    error = broken(make_client("http://127.0.0.1:1"), KEY, CALLS[call])
    assert KEY not in everything_about(error)
    assert KEY not in "".join(traceback.format_exception(error))


def test_an_echo_in_a_good_answer_is_hidden(serve: Serve, make_client: MakeClient) -> None:
    headers = {
        "x-request-id": f"a {KEY}",
        "aitronos-organization": KEY,
        "x-trace-id": "x" * 100 + KEY,
    }
    info = ask(make_client(serve(says(answer(headers=headers))))).info
    assert (info.request_id, info.organization_id) == ("a …", "…")
    assert info.trace_id == "x" * 100 + "…"


def with_echoes(told: Any, echo: str) -> Any:
    """The same answer with the echo behind every text, but in times."""
    if isinstance(told, dict):
        return {
            name: one if name.endswith("_at") else with_echoes(one, echo)
            for name, one in told.items()
        }
    if isinstance(told, list):
        return [with_echoes(one, echo) for one in told]
    return f"{told} {echo}" if isinstance(told, str) else told


@pytest.mark.parametrize("name", EVERY)
def test_an_echo_in_the_texts_of_a_good_answer_is_hidden(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    call, body = EVERY[name]
    # An answer about another tool is none: its key stays what was asked for.
    named = {name: body[name] for name in body if name == "tool_key"}
    value = call(make_client(serve(says(answer(with_echoes(body, KEY.upper()) | named))))).value
    assert KEY[:20] not in repr(value).lower()
    assert repr(value).count(" …'") >= 3 - len(named)


def test_an_echo_that_was_cut_is_hidden_and_other_texts_are_left(
    serve: Serve, make_client: MakeClient
) -> None:
    body = PAGE | {"categories": ["x" * 40 + KEY, "crm", KEY[:7]]}
    value = LISTS["list_connectors"][0](make_client(serve(says(answer(body))))).value
    assert value.categories == ("x" * 40 + "…", "crm", KEY[:7])


def test_a_short_key_does_not_eat_an_answer(serve: Serve, make_client: MakeClient) -> None:
    call, body = LISTS["list_connectors"]
    value = call(make_client(serve(says(answer(body)))), "gmail").value
    assert value.connectors[0].tool_key == "gmail"


def test_what_is_refused_at_once_does_not_hold_the_key(make_client: MakeClient) -> None:
    client = make_client("http://127.0.0.1:1")
    with pytest.raises(ValueError, match="read_timeout") as caught:
        client.start_sync(secret=KEY, full=True, read_timeout=0)
    assert KEY not in everything_about(caught.value)
    with pytest.raises(ValueError, match="tool key") as caught:
        client.switch_tool(secret=KEY, tool_key="..", enabled=True)
    assert KEY not in everything_about(caught.value)


def test_an_echo_in_other_capitals_is_hidden(serve: Serve, make_client: MakeClient) -> None:
    """The type of a body is lowered before it is quoted."""
    key = "oak_live_ABCdefGHIjklMNOpqrSTU"
    for media in (key, "x" * 150 + key.upper(), f"{key}; charset=x"):
        error = broken(make_client(serve(says(answer(media=media)))), key)
        assert error.field == "Content-Type"
        assert "abcdef" not in error.detail.lower()
        assert error.detail.endswith("…")


def test_the_message_around_an_echo_is_kept(serve: Serve, make_client: MakeClient) -> None:
    error = broken(make_client(serve(FAULTS["echo in a refusal"])))
    assert error.message == "your key … is bad"


def reachable(start: object) -> Iterator[object]:
    """What an object holds on to, through containers and instances."""
    seen, waiting = {id(start)}, [start]
    while waiting:
        one = waiting.pop()
        yield one
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, type | FunctionType | ModuleType):
                seen.add(id(other))
                waiting.append(other)


def test_the_client_keeps_no_key_after_a_call(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer(), *(answer(body) for _, body in EVERY.values())))
    client = make_client(server)
    ask(client)
    for call, _ in EVERY.values():
        call(client)
    assert len(server.requests) == 1 + len(EVERY)
    held = list(reachable(client))
    assert any(isinstance(one, PreparedRequest) for one in held)
    assert any(isinstance(one, KeyAdapter) for one in held)
    assert not any(KEY in one for one in held if isinstance(one, str))
    assert not any(KEY.encode() in one for one in held if isinstance(one, bytes))


def test_no_pattern_that_python_keeps_holds_the_key(serve: Serve, make_client: MakeClient) -> None:
    re.purge()
    broken(make_client(serve(FAULTS["echo in a refusal"])))
    ask(make_client(serve(says(answer()))))
    held = [one for one in reachable(vars(re)) if isinstance(one, str)]
    assert held
    assert not any(KEY[:8] in one for one in held)

"""Any other body than the promised one is one typed error that names the part."""

import json
from typing import Any

import pytest

from freddy_admin.aitronos.errors import AitronosError, FailureKind, UnreadableAnswer
from tests.aitronos.conftest import Failed
from tests.aitronos.wire import GOOD, answer, good, once, says

BODY = json.dumps(GOOD)
FIGURES = ["total_tools", "enabled_tools", "sync_interval_hours"]
REQUIRED = [*FIGURES, "incremental_sync_enabled"]
TIMES = ["last_sync_at", "next_sync_at"]


def is_unreadable(error: AitronosError, field: str) -> None:
    assert isinstance(error, UnreadableAnswer)
    assert (error.kind, error.field) == (FailureKind.UNREADABLE_ANSWER, field)
    assert (error.http_status, error.retryable, error.attempts) == (200, False, 1)
    assert len(error.detail) <= 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html><h1>200</h1></html>",
        b"[]",
        b"null",
        b"true",
        b"42",
        b'"text"',
        BODY[:-1].encode(),
        BODY.encode() + b"x",
        BODY.encode() * 2,
        b"\xef\xbb\xbf" + BODY.encode(),
        BODY.encode("utf-16"),
        BODY.encode("utf-32"),
        BODY.replace("42", '"\udcff"').encode("utf-8", "surrogateescape"),
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"total_tools": ' + b"9" * 5000 + b"}",
        b'{"extra": ' + b"9" * 5000 + b"}",
        BODY.replace("42", "NaN").encode(),
        BODY.replace("42", "-Infinity").encode(),
        BODY.replace("}", ', "extra": NaN}').encode(),
        BODY.replace("}", ', "extra": 1e999}').encode(),
        BODY.replace('"', "'").encode(),
        b"\x00" * 100,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_json_object(failed: Failed, body: bytes) -> None:
    is_unreadable(failed(says(answer(body))), "body")


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    "value",
    ["42", True, False, 1.0, 42.5, -1, 2**31, 10**19, None, [], {}, [42], "", "NaN"],
    ids=repr,
)
def test_a_figure_is_a_whole_number_in_range_and_nothing_else(
    failed: Failed, name: str, value: Any
) -> None:
    is_unreadable(failed(says(good(**{name: value}))), name)


@pytest.mark.parametrize("value", [0, 1, "false", "", None, [], 0.0], ids=repr)
def test_a_flag_is_true_or_false_and_nothing_else(failed: Failed, value: Any) -> None:
    error = failed(says(good(incremental_sync_enabled=value)))
    is_unreadable(error, "incremental_sync_enabled")


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_field_is_named(failed: Failed, name: str) -> None:
    body = {key: value for key, value in GOOD.items() if key != name}
    error = failed(says(answer(body)))
    is_unreadable(error, name)
    assert error.detail == "missing"


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "2025-11-15",
        "2025-13-15T10:30:00Z",
        "2025-02-30T10:30:00Z",
        "2025-11-15T25:30:00Z",
        "1999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "2101-01-01T00:00:00Z",
        "2100-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59-23:59",
        "2025-11-15T10:30:00ZZ",
        "2025-11-15T10:30:00+99:99",
        "Sat, 15 Nov 2025 10:30:00 GMT",
        "\uff11\uff14",
        "2025-11-15T10:30:00Z" + " " * 60 + "x",
        1763202600,
        1763202600.5,
        True,
        [],
        {"at": "2025-11-15T10:30:00Z"},
    ],
    ids=repr,
)
def test_a_time_that_is_there_must_be_one(failed: Failed, name: str, value: Any) -> None:
    is_unreadable(failed(says(good(**{name: value}))), name)


def test_the_raw_text_of_a_time_is_kept_cleaned_and_cut(failed: Failed) -> None:
    error = failed(says(good(last_sync_at="soon\x00\u202e\x1b[0m\ud800" + "x" * 100)))
    assert error.detail == "soon [0m " + "x" * 55
    assert failed(says(good(last_sync_at=1763202600))).detail == "1763202600"


def test_a_name_that_stands_twice_is_named(failed: Failed) -> None:
    body = BODY.replace("{", '{"total_tools": 42, ')
    is_unreadable(failed(says(answer(body))), "total_tools")
    is_unreadable(
        failed(says(answer(BODY.replace("}", ', "x": {"y\x01": 1, "y\x01": 2}}')))), "body"
    )
    is_unreadable(failed(says(answer(BODY.replace("}", ', "x": {"y": 1, "y": 2}}')))), "y")
    is_unreadable(failed(says(answer(r'{"\u0001": 1, "\u0001": 2}'))), "body")


@pytest.mark.parametrize(
    ("media", "said"),
    [
        (None, "missing"),
        ("text/html", "text/html"),
        ("text/plain; charset=utf-8", "text/plain"),
        ("text/json", "text/json"),
        ("image/svg+json", "image/svg+json"),
        ("application/jsonx", "application/jsonx"),
    ],
)
def test_the_content_type_must_be_that_of_json(
    failed: Failed, media: str | None, said: str
) -> None:
    error = failed(says(answer(media=media)))
    is_unreadable(error, "Content-Type")
    assert error.detail == said


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, gzip", "deflate", "x-unknown"])
def test_a_compressed_body_is_not_unfolded(failed: Failed, coding: str) -> None:
    error = failed(says(answer(b"\x1f\x8b" * 50, headers={"Content-Encoding": coding})))
    is_unreadable(error, "Content-Encoding")


def test_identity_is_no_compression(reply: Any) -> None:
    assert reply(says(answer(headers={"Content-Encoding": "identity"}))).value.total_tools == 42


def test_a_body_that_ends_early_is_truncated(failed: Failed) -> None:
    error = failed(once(answer()[:-5]))
    is_unreadable(error, "body")
    assert error.detail == "truncated"


def test_a_body_in_chunks_that_ends_early_is_truncated(failed: Failed) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    is_unreadable(failed(once(head + b"5\r\n{}")), "body")
    is_unreadable(failed(once(head + b"zz\r\n{}")), "body")


@pytest.mark.parametrize("length", ["5, 6", "-5", "+5", "0x5", "five", "1_0", "\xd9\xa5"])
def test_a_length_that_is_none_is_named(failed: Failed, length: str) -> None:
    error = failed(says(answer(b"{}", headers={"Content-Length": length})))
    is_unreadable(error, "Content-Length")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nno colon here\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n folded first\r\n\r\n{}",
    ],
)
def test_a_malformed_head_is_named(failed: Failed, head: bytes) -> None:
    is_unreadable(failed(once(head)), "headers")


@pytest.mark.parametrize(
    "head",
    [
        b"HTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 2000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 200_000 + b"\r\n\r\n",
    ],
    ids=lambda head: repr(head[:24]),
)
def test_a_head_that_is_none_is_unreadable_as_well(failed: Failed, head: bytes) -> None:
    error = failed(once(head))
    assert isinstance(error, UnreadableAnswer)
    assert (error.field, error.http_status) == ("headers", None)


def test_the_request_id_of_an_unreadable_answer_is_kept(failed: Failed) -> None:
    assert failed(says(answer("{}", headers={"x-request-id": "req_7"}))).request_id == "req_7"


@pytest.mark.parametrize("status", ["ok", None, 1, [], {}])
def test_health_is_a_text(serve: Any, make_client: Any, status: Any) -> None:
    client = make_client(serve(says(answer({"status": status}))))
    if status == "ok":
        assert client.get_health().value.status == "ok"
        return
    with pytest.raises(UnreadableAnswer) as caught:
        client.get_health()
    assert caught.value.field == "status"

"""Any other body than the promised one is one typed error that names the part."""

import json
from typing import Any

import pytest

from freddy_admin.aitronos.errors import AitronosError, FailureKind, UnreadableResponse
from tests.aitronos.conftest import GetError
from tests.aitronos.scripted_server import (
    GOOD_BODY,
    respond_in_turn,
    respond_once,
    response_bytes,
    sync_status_bytes,
)

GOOD_JSON = json.dumps(GOOD_BODY)
FIGURE_FIELDS = ["total_tools", "enabled_tools", "sync_interval_hours"]
REQUIRED_FIELDS = [*FIGURE_FIELDS, "incremental_sync_enabled"]
TIME_FIELDS = ["last_sync_at", "next_sync_at"]


def assert_unreadable(error: AitronosError, field: str) -> None:
    assert isinstance(error, UnreadableResponse)
    assert (error.kind, error.field) == (FailureKind.UNREADABLE_ANSWER, field)
    assert (error.http_status, error.attempts) == (200, 1)
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
        GOOD_JSON[:-1].encode(),
        GOOD_JSON.encode() + b"x",
        GOOD_JSON.encode() * 2,
        b"\xef\xbb\xbf" + GOOD_JSON.encode(),
        GOOD_JSON.encode("utf-16"),
        GOOD_JSON.encode("utf-32"),
        GOOD_JSON.replace("42", '"\udcff"').encode("utf-8", "surrogateescape"),
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"total_tools": ' + b"9" * 5000 + b"}",
        b'{"extra": ' + b"9" * 5000 + b"}",
        GOOD_JSON.replace("42", "NaN").encode(),
        GOOD_JSON.replace("42", "-Infinity").encode(),
        GOOD_JSON.replace("}", ', "extra": NaN}').encode(),
        GOOD_JSON.replace("}", ', "extra": 1e999}').encode(),
        GOOD_JSON.replace('"', "'").encode(),
        b"\x00" * 100,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_body_that_is_no_json_object_is_unreadable(get_error: GetError, body: bytes) -> None:
    assert_unreadable(get_error(respond_in_turn(response_bytes(body))), "body")


@pytest.mark.parametrize("name", FIGURE_FIELDS)
@pytest.mark.parametrize(
    "value",
    ["42", True, False, 1.0, 42.5, -1, 2**31, 10**19, None, [], {}, [42], "", "NaN"],
    ids=repr,
)
def test_figure_must_be_a_whole_number_in_range(get_error: GetError, name: str, value: Any) -> None:
    assert_unreadable(get_error(respond_in_turn(sync_status_bytes(**{name: value}))), name)


@pytest.mark.parametrize("value", [0, 1, "false", "", None, [], 0.0], ids=repr)
def test_flag_must_be_true_or_false(get_error: GetError, value: Any) -> None:
    error = get_error(respond_in_turn(sync_status_bytes(incremental_sync_enabled=value)))
    assert_unreadable(error, "incremental_sync_enabled")


@pytest.mark.parametrize("name", REQUIRED_FIELDS)
def test_missing_field_of_a_sync_status_is_named(get_error: GetError, name: str) -> None:
    body = {key: value for key, value in GOOD_BODY.items() if key != name}
    error = get_error(respond_in_turn(response_bytes(body)))
    assert_unreadable(error, name)
    assert error.detail == "missing"


@pytest.mark.parametrize("name", TIME_FIELDS)
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
def test_present_time_must_be_a_time(get_error: GetError, name: str, value: Any) -> None:
    assert_unreadable(get_error(respond_in_turn(sync_status_bytes(**{name: value}))), name)


def test_detail_of_an_unreadable_time_is_cleaned_and_cut(get_error: GetError) -> None:
    error = get_error(
        respond_in_turn(sync_status_bytes(last_sync_at="soon\x00\u202e\x1b[0m\ud800" + "x" * 100))
    )
    assert error.detail == "soon [0m " + "x" * 55
    assert (
        get_error(respond_in_turn(sync_status_bytes(last_sync_at=1763202600))).detail
        == "1763202600"
    )


def test_duplicate_name_is_named(get_error: GetError) -> None:
    body = GOOD_JSON.replace("{", '{"total_tools": 42, ')
    assert_unreadable(get_error(respond_in_turn(response_bytes(body))), "total_tools")
    assert_unreadable(
        get_error(
            respond_in_turn(
                response_bytes(GOOD_JSON.replace("}", ', "x": {"y\x01": 1, "y\x01": 2}}'))
            )
        ),
        "body",
    )
    assert_unreadable(
        get_error(
            respond_in_turn(response_bytes(GOOD_JSON.replace("}", ', "x": {"y": 1, "y": 2}}')))
        ),
        "y",
    )
    assert_unreadable(
        get_error(respond_in_turn(response_bytes(r'{"\u0001": 1, "\u0001": 2}'))), "body"
    )


@pytest.mark.parametrize(
    ("media", "detail"),
    [
        (None, "missing"),
        ("text/html", "text/html"),
        ("text/plain; charset=utf-8", "text/plain"),
        ("text/json", "text/json"),
        ("image/svg+json", "image/svg+json"),
        ("application/jsonx", "application/jsonx"),
    ],
)
def test_content_type_must_be_that_of_json(
    get_error: GetError, media: str | None, detail: str
) -> None:
    error = get_error(respond_in_turn(response_bytes(media=media)))
    assert_unreadable(error, "Content-Type")
    assert error.detail == detail


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, gzip", "deflate", "x-unknown"])
def test_compressed_body_is_not_decompressed(get_error: GetError, coding: str) -> None:
    error = get_error(
        respond_in_turn(response_bytes(b"\x1f\x8b" * 50, headers={"Content-Encoding": coding}))
    )
    assert_unreadable(error, "Content-Encoding")


def test_identity_encoding_is_accepted(get_response: Any) -> None:
    assert (
        get_response(
            respond_in_turn(response_bytes(headers={"Content-Encoding": "identity"}))
        ).value.total_tools
        == 42
    )


def test_body_that_ends_early_is_truncated(get_error: GetError) -> None:
    error = get_error(respond_once(response_bytes()[:-5]))
    assert_unreadable(error, "body")
    assert error.detail == "truncated"


def test_chunked_body_that_ends_early_is_truncated(get_error: GetError) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert_unreadable(get_error(respond_once(head + b"5\r\n{}")), "body")
    assert_unreadable(get_error(respond_once(head + b"zz\r\n{}")), "body")


@pytest.mark.parametrize("length", ["5, 6", "-5", "+5", "0x5", "five", "1_0", "\xd9\xa5"])
def test_invalid_content_length_is_named(get_error: GetError, length: str) -> None:
    error = get_error(respond_in_turn(response_bytes(b"{}", headers={"Content-Length": length})))
    assert_unreadable(error, "Content-Length")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nno colon here\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n folded first\r\n\r\n{}",
    ],
)
def test_malformed_head_is_named(get_error: GetError, head: bytes) -> None:
    assert_unreadable(get_error(respond_once(head)), "headers")


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
def test_response_without_a_head_is_unreadable(get_error: GetError, head: bytes) -> None:
    error = get_error(respond_once(head))
    assert isinstance(error, UnreadableResponse)
    assert (error.field, error.http_status) == ("headers", None)


def test_request_id_of_an_unreadable_response_is_kept(get_error: GetError) -> None:
    assert (
        get_error(
            respond_in_turn(response_bytes("{}", headers={"x-request-id": "req_7"}))
        ).request_id
        == "req_7"
    )

"""A status that is not 200 becomes a typed error, whatever its body looks like."""

import json
from typing import Any

import pytest

from freddy_admin.aitronos.errors import (
    AitronosError,
    FailureKind,
    FirewallBlocked,
    KeyNotPermitted,
    KeyRefused,
    RateLimited,
    ServerError,
    UnexpectedStatus,
)
from tests.aitronos.conftest import GetError
from tests.aitronos.scripted_server import respond_in_turn, respond_once, response_bytes

REFUSED_KEY_BODY = {
    "success": False,
    "error": {
        "code": "AUTHENTICATION_REQUIRED",
        "message": "Authentication required. Please provide a valid API key.",
        "system_message": "Missing or invalid authorization header",
        "type": "authentication_error",
        "status": 401,
        "trace_id": "req_abc123xyz",
        "timestamp": "2025-11-11T10:30:00Z",
        "details": {},
    },
}
HTML = "<html><script>alert(1)</script></html>"
UNEXPECTED_STATUSES = [
    101,
    102,
    103,
    199,
    201,
    202,
    204,
    205,
    206,
    226,
    300,
    301,
    302,
    303,
    304,
    307,
    308,
]
STRANGE_BODIES: list[Any] = [
    "",
    HTML,
    "null",
    "[]",
    '"text"',
    "{}",
    '{"error": null}',
    '{"error": "no"}',
    '{"error": []}',
    '{"error": {"code": 7, "message": {}, "trace_id": [], "details": []}}',
    '{"error": {"code": "A", "code": "B"}}',
    '{"detail": null}',
    '{"detail": []}',
    '{"detail": [7]}',
    '{"detail": {"x": 1}}',
    '{"error": {"code": NaN}}',
    "[" * 50_000,
    b"\xff\xfe\x00",
    b'{"detail": "\xff"}',
]


def test_401_with_the_documented_body_is_a_refused_key(get_error: GetError) -> None:
    error = get_error(
        respond_in_turn(
            response_bytes(REFUSED_KEY_BODY, "401 Unauthorized", headers={"x-request-id": "req_9"})
        )
    )
    assert isinstance(error, KeyRefused)
    assert (error.kind, error.code) == (FailureKind.KEY_REFUSED, "AUTHENTICATION_REQUIRED")
    assert error.message == "Authentication required. Please provide a valid API key."
    assert (error.http_status, error.trace_id, error.request_id) == (401, "req_abc123xyz", "req_9")
    assert (error.retry_after, error.attempts) == (None, 1)
    assert error.elapsed_ms > 0


@pytest.mark.parametrize("body", STRANGE_BODIES, ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, KeyRefused), (429, RateLimited), (500, ServerError), (404, UnexpectedStatus)],
)
def test_http_status_decides_whatever_the_body_is(
    get_error: GetError, body: Any, status: int, expected: type[AitronosError]
) -> None:
    error = get_error(respond_in_turn(response_bytes(body, f"{status} X", media="text/html")))
    assert (type(error), error.http_status) == (expected, status)
    assert "<" not in error.message


@pytest.mark.parametrize(
    "data",
    [
        response_bytes(b"x" * 500, "401 X", headers={"Content-Encoding": "gzip"}),
        response_bytes(b"x" * 500, "401 X", headers={"Content-Length": "9000"}),
        response_bytes(b"x" * 500, "401 X", headers={"Content-Length": "90000000"}),
        response_bytes(b"x" * 500, "401 X", headers={"Content-Length": "5, 6"}),
        b"HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 401 X\r\nno colon\r\n\r\n",
        b"HTTP/1.1 401 X\r\n\r\n" + b"x" * 1_100_000,
        b"HTTP/1.1 401 X\r\n\r\n",
    ],
    ids=lambda data: repr(data[15:60]),
)
def test_401_with_an_unusable_body_is_a_refused_key(get_error: GetError, data: bytes) -> None:
    assert isinstance(get_error(respond_once(data)), KeyRefused)


def test_401_whose_body_never_comes_is_a_refused_key(get_error: GetError) -> None:
    error = get_error(
        respond_in_turn(response_bytes(b"x", "401 X", headers={"Content-Length": "9"})),
        read_timeout=0.05,
    )
    assert isinstance(error, KeyRefused)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"code": "NO_ACCESS", "message": "No."}}, "NO_ACCESS", "No."),
        ({"error": {"code": "ACCESS_DENIED"}}, "ACCESS_DENIED", ""),
        ({"detail": "Not an admin"}, "", "Not an admin"),
        ({"detail": [{"loc": ["x"], "msg": "Not you", "type": "t"}]}, "", "Not you"),
        ({"detail": {"message": "Not here"}}, "", "Not here"),
    ],
)
def test_403_with_the_apis_own_body_is_about_the_key(
    get_error: GetError, body: Any, code: str, message: str
) -> None:
    error = get_error(respond_in_turn(response_bytes(body, "403 Forbidden")))
    assert isinstance(error, KeyNotPermitted)
    assert (error.kind, error.code) == (FailureKind.KEY_NOT_PERMITTED, code)
    assert error.message == message


@pytest.mark.parametrize(
    "body",
    [
        "",
        HTML,
        "{}",
        "null",
        '{"message": "Forbidden"}',
        '{"error": "blocked"}',
        '{"error": {"message": "no code"}}',
        '{"detail": ""}',
        '{"detail": null}',
    ],
)
def test_403_without_the_apis_body_may_be_a_firewall(get_error: GetError, body: str) -> None:
    error = get_error(respond_in_turn(response_bytes(body, "403 Forbidden")))
    assert isinstance(error, FirewallBlocked)
    assert error.kind is FailureKind.FIREWALL


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": "Nope", "status_code": 422, "errors": []}, "Nope"),
        ({"detail": [{"loc": ["q"], "msg": "too long", "type": "x"}]}, "too long"),
        ({"error": "as a text"}, "as a text"),
    ],
)
def test_other_forms_of_error_bodies_are_parsed(
    get_error: GetError, body: Any, message: str
) -> None:
    error = get_error(
        respond_in_turn(response_bytes(body | {"meta": {"request_id": "req_5"}}, "422 X"))
    )
    assert isinstance(error, UnexpectedStatus)
    assert (error.message, error.request_id) == (message, "req_5")


@pytest.mark.parametrize(
    "status", [*UNEXPECTED_STATUSES, 400, 402, 404, 405, 409, 410, 418, 422, 451, 600, 999]
)
def test_status_without_a_meaning_is_unexpected(get_error: GetError, status: int) -> None:
    error = get_error(
        respond_once(response_bytes("{}", f"{status} X", headers={"Location": "/elsewhere"}))
    )
    assert isinstance(error, UnexpectedStatus)
    assert (error.kind, error.http_status) == (FailureKind.UNEXPECTED_STATUS, status)
    assert error.attempts == 1


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 599])
def test_5xx_is_a_server_error(get_error: GetError, status: int) -> None:
    error = get_error(respond_in_turn(response_bytes(HTML, f"{status} X", media="text/html")))
    assert isinstance(error, ServerError)
    assert (error.http_status, error.message) == (status, "")


@pytest.mark.parametrize(
    ("code", "message", "spending"),
    [
        ("RATE_LIMIT_EXCEEDED", "Too many requests. Please try again later.", False),
        ("RATE_LIMIT_EXCEEDED", "Your quota of requests a minute is used up.", False),
        ("RATE_LIMIT_EXCEEDED", "The spending limit of your organization has been reached.", True),
        ("SPENDING_LIMIT_REACHED", "", True),
        ("INSUFFICIENT_QUOTA", "", True),
        ("RATE_LIMIT_EXCEEDED", "Monthly budget exceeded", True),
    ],
)
def test_spending_limit_differs_from_a_rate_limit(
    get_error: GetError, code: str, message: str, spending: bool
) -> None:
    body = {"error": {"code": code, "message": message}}
    error = get_error(respond_in_turn(response_bytes(body, "429 X", headers={"Retry-After": "60"})))
    assert isinstance(error, RateLimited)
    assert error.spending_limit is spending
    assert error.kind is (FailureKind.SPENDING_LIMIT if spending else FailureKind.RATE_LIMITED)


def test_texts_of_an_error_are_cleaned_and_cut(get_error: GetError) -> None:
    hostile_text = "a\x00b\r\nc\u202e\ud800\u2028d\x1b[31m" + "Z\u0300" + "\u0301" * 50 + "é🦊"
    body = {"error": dict.fromkeys(("code", "message", "trace_id"), hostile_text + "x" * 5000)}
    error = get_error(
        respond_in_turn(
            response_bytes(json.dumps(body), "401 X", headers={"x-request-id": "\x07é" * 500})
        )
    )
    texts = [error.code, error.message, error.trace_id, error.request_id]
    assert [len(text) for text in texts] == [64, 300, 128, 127]
    assert error.message.startswith("a b c d [31mZ\u0300\u0301é🦊xxx")
    for text in texts:
        assert text.isprintable()
        text.encode()


def test_failure_kinds_are_stored_values_and_never_change() -> None:
    assert sorted(FailureKind) == [
        "connect_timeout",
        "connection_lost",
        "connection_refused",
        "environment_missing",
        "firewall",
        "invalid_secret",
        "key_not_permitted",
        "key_refused",
        "name_not_found",
        "proxy_failed",
        "proxy_refused",
        "rate_limited",
        "read_timeout",
        "server_error",
        "spending_limit",
        "tls",
        "total_timeout",
        "unexpected_status",
        "unreachable",
        "unreadable_answer",
        "withheld",
    ]

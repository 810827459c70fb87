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
from tests.aitronos.conftest import Failed
from tests.aitronos.wire import answer, once, says

REFUSED = {
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
UNUSUAL = [101, 102, 103, 199, 201, 202, 204, 205, 206, 226, 300, 301, 302, 303, 304, 307, 308]
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


def test_a_401_with_the_documented_body(failed: Failed) -> None:
    error = failed(says(answer(REFUSED, "401 Unauthorized", headers={"x-request-id": "req_9"})))
    assert isinstance(error, KeyRefused)
    assert (error.kind, error.code) == (FailureKind.KEY_REFUSED, "AUTHENTICATION_REQUIRED")
    assert error.message == "Authentication required. Please provide a valid API key."
    assert (error.http_status, error.trace_id, error.request_id) == (401, "req_abc123xyz", "req_9")
    assert (error.retryable, error.retry_after, error.attempts) == (False, None, 1)
    assert error.elapsed_ms > 0


@pytest.mark.parametrize("body", STRANGE_BODIES, ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, KeyRefused), (429, RateLimited), (500, ServerError), (404, UnexpectedStatus)],
)
def test_the_status_decides_whatever_the_body_is(
    failed: Failed, body: Any, status: int, expected: type[AitronosError]
) -> None:
    error = failed(says(answer(body, f"{status} X", media="text/html")))
    assert (type(error), error.http_status) == (expected, status)
    assert "<" not in error.message


@pytest.mark.parametrize(
    "data",
    [
        answer(b"x" * 500, "401 X", headers={"Content-Encoding": "gzip"}),
        answer(b"x" * 500, "401 X", headers={"Content-Length": "9000"}),
        answer(b"x" * 500, "401 X", headers={"Content-Length": "90000000"}),
        answer(b"x" * 500, "401 X", headers={"Content-Length": "5, 6"}),
        b"HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 401 X\r\nno colon\r\n\r\n",
        b"HTTP/1.1 401 X\r\n\r\n" + b"x" * 1_100_000,
        b"HTTP/1.1 401 X\r\n\r\n",
    ],
    ids=lambda data: repr(data[15:60]),
)
def test_a_401_with_a_spoilt_body_is_a_401(failed: Failed, data: bytes) -> None:
    assert isinstance(failed(once(data)), KeyRefused)


def test_a_401_whose_body_never_comes_is_a_401(failed: Failed) -> None:
    error = failed(says(answer(b"x", "401 X", headers={"Content-Length": "9"})), read_timeout=0.05)
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
def test_a_403_with_the_apis_own_body_is_about_the_key(
    failed: Failed, body: Any, code: str, message: str
) -> None:
    error = failed(says(answer(body, "403 Forbidden")))
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
def test_a_403_without_it_may_be_a_firewall(failed: Failed, body: str) -> None:
    error = failed(says(answer(body, "403 Forbidden")))
    assert isinstance(error, FirewallBlocked)
    assert (error.kind, error.retryable) == (FailureKind.FIREWALL, False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": "Nope", "status_code": 422, "errors": []}, "Nope"),
        ({"detail": [{"loc": ["q"], "msg": "too long", "type": "x"}]}, "too long"),
        ({"error": "as a text"}, "as a text"),
    ],
)
def test_other_forms_of_errors_are_read(failed: Failed, body: Any, message: str) -> None:
    error = failed(says(answer(body | {"meta": {"request_id": "req_5"}}, "422 X")))
    assert isinstance(error, UnexpectedStatus)
    assert (error.message, error.request_id) == (message, "req_5")


@pytest.mark.parametrize(
    "status", [*UNUSUAL, 400, 402, 404, 405, 409, 410, 418, 422, 451, 600, 999]
)
def test_a_status_without_a_meaning_here_is_unexpected(failed: Failed, status: int) -> None:
    error = failed(once(answer("{}", f"{status} X", headers={"Location": "/elsewhere"})))
    assert isinstance(error, UnexpectedStatus)
    assert (error.kind, error.http_status) == (FailureKind.UNEXPECTED_STATUS, status)
    assert (error.retryable, error.attempts) == (False, 1)


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 599])
def test_a_5xx_is_the_apis_own_trouble(failed: Failed, status: int) -> None:
    error = failed(says(answer(HTML, f"{status} X", media="text/html")))
    assert isinstance(error, ServerError)
    assert (error.http_status, error.retryable, error.message) == (status, True, "")


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
def test_a_spending_limit_is_told_apart(
    failed: Failed, code: str, message: str, spending: bool
) -> None:
    body = {"error": {"code": code, "message": message}}
    error = failed(says(answer(body, "429 X", headers={"Retry-After": "60"})))
    assert isinstance(error, RateLimited)
    assert error.spending_limit is spending
    assert error.kind is (FailureKind.SPENDING_LIMIT if spending else FailureKind.RATE_LIMITED)


def test_what_people_will_read_is_cleaned_and_cut(failed: Failed) -> None:
    nasty = "a\x00b\r\nc\u202e\ud800\u2028d\x1b[31m" + "Z\u0300" + "\u0301" * 50 + "é🦊"
    body = {"error": dict.fromkeys(("code", "message", "trace_id"), nasty + "x" * 5000)}
    error = failed(says(answer(json.dumps(body), "401 X", headers={"x-request-id": "\x07é" * 500})))
    texts = [error.code, error.message, error.trace_id, error.request_id]
    assert [len(text) for text in texts] == [64, 300, 128, 127]
    assert error.message.startswith("a b c d [31mZ\u0300\u0301é🦊xxx")
    for text in texts:
        assert text.isprintable()
        text.encode()


def test_the_kinds_are_stored_and_so_never_change() -> None:
    assert sorted(FailureKind) == [
        "connect_timeout",
        "connection_lost",
        "connection_refused",
        "firewall",
        "invalid_secret",
        "key_not_permitted",
        "key_refused",
        "name_not_found",
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

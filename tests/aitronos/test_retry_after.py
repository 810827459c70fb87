"""How long to wait: the documented order, any form, never under a second or over an hour."""

from typing import Any

import pytest

from tests.aitronos.conftest import GetError
from tests.aitronos.scripted_server import respond_in_turn, response_bytes


def get_retry_after(
    get_error: GetError, headers: dict[str, str], error: dict[str, Any] | None = None
) -> Any:
    body = {"error": {"code": "RATE_LIMIT_EXCEEDED"} | (error or {})}
    return get_error(respond_in_turn(response_bytes(body, "429 X", headers=headers))).retry_after


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 1.0),
        ("3601", 3600.0),
        ("9" * 300, 3600.0),
        ("Sat, 15 Nov 2025 12:02:00 GMT", 120.0),
        ("Saturday, 15-Nov-25 12:02:00 GMT", 120.0),
        ("Sat, 15 Nov 2025 14:02:00 +0200", 120.0),
        ("Sat, 15 Nov 2025 12:02:00", 120.0),
        ("Sat, 15 Nov 2025 11:00:00 GMT", 1.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
    ],
)
def test_retry_after_in_seconds_and_dates_is_parsed(
    get_error: GetError, text: str, seconds: float
) -> None:
    assert get_retry_after(get_error, {"Retry-After": text}) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-5",
        "soon",
        "1e3",
        "nan",
        "inf",
        "0x10",
        "5, 10",
        "\xb2",
        "1 2",
        ",",
        "::",
        "Sat, 99 Nov 2025",
        "Sat, 15 Nov 99999 12:00:00 GMT",
        "Sat, 15 Nov 2025 12:00:00 +9999999999",
    ],
)
def test_unreadable_retry_after_is_ignored(get_error: GetError, text: str) -> None:
    assert get_retry_after(get_error, {"Retry-After": text}) is None


def test_wait_hints_are_read_in_the_documented_order(get_error: GetError) -> None:
    headers = {"Retry-After": "11", "X-RateLimit-Retry-After": "14"}
    error = {"details": {"retry_after": 12}, "retry_after": 13}
    assert get_retry_after(get_error, headers, error) == 11
    del headers["Retry-After"]
    assert get_retry_after(get_error, headers, error) == 12
    del error["details"]
    assert get_retry_after(get_error, headers, error) == 13
    assert get_retry_after(get_error, headers) == 14
    assert get_retry_after(get_error, {}) is None


def test_unreadable_hint_gives_way_to_the_next(get_error: GetError) -> None:
    assert (
        get_retry_after(get_error, {"Retry-After": "soon"}, {"details": {"retry_after": "12"}})
        == 12
    )


@pytest.mark.parametrize("value", [True, None, -1, [], {}, "x", "1" + "x" * 5000])
def test_hint_of_another_type_is_ignored(get_error: GetError, value: Any) -> None:
    assert (
        get_retry_after(get_error, {}, {"retry_after": value, "details": {"retry_after": value}})
        is None
    )


@pytest.mark.parametrize(
    ("value", "seconds"), [(2.5, 2.5), (10**18, 3600.0), (0, 1.0), (1e300, 3600.0)]
)
def test_retry_after_is_held_between_a_second_and_an_hour(
    get_error: GetError, value: Any, seconds: float
) -> None:
    assert get_retry_after(get_error, {}, {"retry_after": value}) == seconds


def test_503_may_carry_a_wait_hint(get_error: GetError) -> None:
    assert (
        get_error(
            respond_in_turn(response_bytes("", "503 X", headers={"Retry-After": "30"}))
        ).retry_after
        == 30.0
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "2500"}, 2.5),
        ({"retry-after-ms": "5"}, 1.0),
        ({"retry-after-ms": "99999999"}, 3600.0),
        ({"X-RateLimit-Reset": "30"}, 30.0),
        ({"X-RateLimit-Reset": "1763208120"}, 120.0),  # 12:02 on the day of the clock, in seconds
        ({"X-RateLimit-Reset": "1763208120000"}, 120.0),  # in milliseconds
        ({"X-RateLimit-Reset": "1763208120.5"}, 120.5),
        ({"X-RateLimit-Reset": "1763200000"}, 1.0),  # over
        ({"X-RateLimit-Reset": "Sat, 15 Nov 2025 12:02:00 GMT"}, 120.0),
        ({"X-RateLimit-Reset": "99999"}, 3600.0),
        ({"X-RateLimit-Reset": "9" * 300}, 3600.0),
        ({"X-RateLimit-Reset": "later", "retry-after-ms": "x"}, None),
        ({"X-RateLimit-Reset": "30", "retry-after-ms": "2000"}, 2.0),
        ({"X-RateLimit-Reset": "30", "X-RateLimit-Retry-After": "14"}, 14.0),
    ],
    ids=repr,
)
def test_further_wait_hints_are_read_behind_the_documented_ones(
    get_error: GetError, headers: dict[str, str], seconds: float | None
) -> None:
    assert get_retry_after(get_error, headers) == seconds


def test_reset_of_a_limit_is_no_wait_where_no_limit_was_reached(get_error: GetError) -> None:
    headers = {"X-RateLimit-Reset": "30"}
    error = get_error(respond_in_turn(response_bytes("", "500 X", headers=headers)))
    assert error.retry_after is None

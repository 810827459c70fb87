"""How long to wait: the documented order, any form, never under a second or over an hour."""

from typing import Any

import pytest

from tests.aitronos.conftest import Failed
from tests.aitronos.wire import answer, says


def hint(failed: Failed, headers: dict[str, str], error: dict[str, Any] | None = None) -> Any:
    body = {"error": {"code": "RATE_LIMIT_EXCEEDED"} | (error or {})}
    return failed(says(answer(body, "429 X", headers=headers))).retry_after


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
def test_seconds_and_dates_are_understood(failed: Failed, text: str, seconds: float) -> None:
    assert hint(failed, {"Retry-After": text}) == seconds


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
def test_rubbish_is_no_hint(failed: Failed, text: str) -> None:
    assert hint(failed, {"Retry-After": text}) is None


def test_the_hints_are_looked_for_in_the_documented_order(failed: Failed) -> None:
    headers = {"Retry-After": "11", "X-RateLimit-Retry-After": "14"}
    error = {"details": {"retry_after": 12}, "retry_after": 13}
    assert hint(failed, headers, error) == 11
    del headers["Retry-After"]
    assert hint(failed, headers, error) == 12
    del error["details"]
    assert hint(failed, headers, error) == 13
    assert hint(failed, headers) == 14
    assert hint(failed, {}) is None


def test_rubbish_gives_way_to_the_next_hint(failed: Failed) -> None:
    assert hint(failed, {"Retry-After": "soon"}, {"details": {"retry_after": "12"}}) == 12


@pytest.mark.parametrize("value", [True, None, -1, [], {}, "x", "1" + "x" * 5000])
def test_a_hint_of_another_type_is_none(failed: Failed, value: Any) -> None:
    assert hint(failed, {}, {"retry_after": value, "details": {"retry_after": value}}) is None


@pytest.mark.parametrize(
    ("value", "seconds"), [(2.5, 2.5), (10**18, 3600.0), (0, 1.0), (1e300, 3600.0)]
)
def test_a_number_is_held_between_a_second_and_an_hour(
    failed: Failed, value: Any, seconds: float
) -> None:
    assert hint(failed, {}, {"retry_after": value}) == seconds


def test_a_503_may_give_a_hint_as_well(failed: Failed) -> None:
    assert failed(says(answer("", "503 X", headers={"Retry-After": "30"}))).retry_after == 30.0

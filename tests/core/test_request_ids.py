"""Each request has a short name: in its answer, in its log lines, in what it writes down."""

import logging
import re

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings

from freddy_admin.core.logs import OneLineFormatter
from freddy_admin.core.request_ids import RequestIdFilter, RequestIdMiddleware, request_id

OURS = re.compile(r"[0-9a-f]{12}")


def named(given: str | None = None) -> tuple[str, str]:
    """The name during the request, and the one in the answer."""
    seen: list[str] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request_id())
        return HttpResponse()

    headers = {"x-request-id": given} if given is not None else {}
    made = RequestIdMiddleware(answer)(RequestFactory().get("/", headers=headers))
    return seen[0], made["X-Request-Id"]


def test_each_request_has_a_name_of_its_own() -> None:
    first, second = named(), named()

    assert first[0] == first[1]
    assert OURS.fullmatch(first[0])
    assert first != second


def test_outside_a_request_there_is_none() -> None:
    named()
    assert request_id() == ""


def test_a_name_from_outside_is_not_believed() -> None:
    assert OURS.fullmatch(named("abcdefgh-1234")[0])


@override_settings(TRUSTED_PROXIES=1)
@pytest.mark.parametrize("given", ["abcdefgh-1234", "A" * 64, "0123_4567"])
def test_a_plain_name_from_our_own_proxy_is_taken_over(given: str) -> None:
    assert named(given) == (given, given)


@override_settings(TRUSTED_PROXIES=1)
@pytest.mark.parametrize(
    "given",
    [
        *("", "short", "A" * 65, "with space", "a\r\nSet-Cookie: x=1", "<script>", "ключключ"),
        "abcdefgh-1234,abcdefgh-1234",  # as one that was sent twice arrives
    ],
)
def test_any_other_text_is_not(given: str) -> None:
    assert OURS.fullmatch(named(given)[0])


def test_what_is_streamed_still_has_its_name_and_then_no_more() -> None:
    seen: list[str] = []

    def lines():  # type: ignore[no-untyped-def]
        seen.append(request_id())
        yield "line"

    middleware = RequestIdMiddleware(lambda _: StreamingHttpResponse(lines()))
    answer = middleware(RequestFactory().get("/"))
    list(answer)
    answer.close()

    assert seen == [answer["X-Request-Id"]]
    assert request_id() == ""


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/accounts/login/", "/", "/nowhere/"])
def test_every_answer_carries_its_name(address: str) -> None:
    assert OURS.fullmatch(Client().get(address)["X-Request-Id"])


@pytest.mark.django_db
def test_an_answer_to_a_foreign_host_carries_one_too() -> None:
    assert OURS.fullmatch(Client().get("/", headers={"host": "evil.example"})["X-Request-Id"])


def test_a_log_line_names_its_request() -> None:
    lines: list[str] = []

    def answer(request: HttpRequest) -> HttpResponse:
        record = logging.LogRecord("probe", logging.INFO, "x.py", 1, "told", (), None)
        RequestIdFilter().filter(record)
        lines.append(OneLineFormatter().format(record))
        return HttpResponse()

    made = RequestIdMiddleware(answer)(RequestFactory().get("/"))
    assert lines[0].endswith(f"INFO probe told [{made['X-Request-Id']}]")

"""Each request has a short id: in its response, its log lines and the rows it writes."""

import logging
import re

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings

from freddy_admin.core.log_formatting import OneLineFormatter
from freddy_admin.core.request_ids import RequestIdFilter, current_request_id
from freddy_admin.web.middleware import RequestIdMiddleware

GENERATED_REQUEST_ID = re.compile(r"[0-9a-f]{12}")


def request_ids_of_request(header: str | None = None) -> tuple[str, str]:
    """The id during the request, and the one in the response."""
    ids: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        ids.append(current_request_id.get())
        return HttpResponse()

    headers = {"x-request-id": header} if header is not None else {}
    response = RequestIdMiddleware(view)(RequestFactory().get("/", headers=headers))
    return ids[0], response["X-Request-Id"]


def test_each_request_has_an_id_of_its_own() -> None:
    first, second = request_ids_of_request(), request_ids_of_request()

    assert first[0] == first[1]
    assert GENERATED_REQUEST_ID.fullmatch(first[0])
    assert first != second


def test_there_is_no_request_id_outside_a_request() -> None:
    request_ids_of_request()
    assert current_request_id.get() == ""


def test_a_request_id_from_outside_is_ignored() -> None:
    assert GENERATED_REQUEST_ID.fullmatch(request_ids_of_request("abcdefgh-1234")[0])


@override_settings(TRUSTED_PROXIES=1)
@pytest.mark.parametrize("header", ["abcdefgh-1234", "A" * 64, "0123_4567"])
def test_a_valid_request_id_from_a_trusted_proxy_is_used(header: str) -> None:
    assert request_ids_of_request(header) == (header, header)


@override_settings(TRUSTED_PROXIES=1)
@pytest.mark.parametrize(
    "header",
    [
        *("", "short", "A" * 65, "with space", "a\r\nSet-Cookie: x=1", "<script>", "ключключ"),
        "abcdefgh-1234,abcdefgh-1234",  # as one that was sent twice arrives
    ],
)
def test_an_invalid_request_id_from_a_trusted_proxy_is_ignored(header: str) -> None:
    assert GENERATED_REQUEST_ID.fullmatch(request_ids_of_request(header)[0])


@pytest.mark.django_db
def test_a_streamed_response_keeps_its_request_id_until_its_end() -> None:
    ids: list[str] = []

    def lines():  # type: ignore[no-untyped-def]
        ids.append(current_request_id.get())
        yield "line"

    middleware = RequestIdMiddleware(lambda _: StreamingHttpResponse(lines()))
    response = middleware(RequestFactory().get("/"))
    list(response)
    response.close()

    assert ids == [response["X-Request-Id"]]
    assert current_request_id.get() == ""


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/accounts/login/", "/", "/nowhere/"])
def test_every_response_carries_its_request_id(address: str) -> None:
    assert GENERATED_REQUEST_ID.fullmatch(Client().get(address)["X-Request-Id"])


@pytest.mark.django_db
def test_a_response_to_a_foreign_host_carries_a_request_id() -> None:
    assert GENERATED_REQUEST_ID.fullmatch(
        Client().get("/", headers={"host": "evil.example"})["X-Request-Id"]
    )


def test_a_log_line_names_its_request_id() -> None:
    lines: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        record = logging.LogRecord("probe", logging.INFO, "x.py", 1, "told", (), None)
        RequestIdFilter().filter(record)
        lines.append(OneLineFormatter().format(record))
        return HttpResponse()

    response = RequestIdMiddleware(view)(RequestFactory().get("/"))
    assert lines[0].endswith(f"INFO probe told [{response['X-Request-Id']}]")

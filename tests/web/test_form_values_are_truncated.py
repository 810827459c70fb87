"""Form values are truncated to one character above the limit before any view reads them."""

from io import BytesIO
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.test import Client, RequestFactory

from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH
from freddy_admin.web.middleware import LONG_FIELD_LIMITS, BodyLimitMiddleware
from tests.web.conftest import People, SignIn


def _view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def _body_limit_middleware() -> BodyLimitMiddleware:
    return BodyLimitMiddleware(_view)


def _request_behind_middleware(**sent: Any) -> HttpRequest:
    """The request as a view gets it, behind the middleware."""
    request = RequestFactory().post("/", sent)
    _body_limit_middleware().process_view(request, _view, (), {})
    return request


def test_a_text_as_long_as_any_field_takes_stays_as_it_is() -> None:
    fields = {"name": "x" * DEFAULT_TEXT_MAX_LENGTH, "also": ["a", "b"], "note": "é"}
    untouched = RequestFactory().post("/", fields).POST
    assert untouched == _request_behind_middleware(**fields).POST


def test_longer_text_is_truncated_just_above_the_limit() -> None:
    request = _request_behind_middleware(name=["x" * 900_000, "y"], other="z")
    assert [len(text) for text in request.POST.getlist("name")] == [DEFAULT_TEXT_MAX_LENGTH + 1, 1]
    assert request.POST["other"] == "z"
    with pytest.raises(AttributeError, match="immutable"):
        request.POST["name"] = ""


@pytest.mark.parametrize("name", LONG_FIELD_LIMITS)
def test_large_field_has_a_limit_of_its_own(name: str) -> None:
    limit = min(LONG_FIELD_LIMITS[name], 1_000_000)
    assert len(_request_behind_middleware(**{name: "x" * limit}).POST[name]) == limit


def test_json_body_is_left_to_the_view_that_reads_it() -> None:
    request = RequestFactory().post("/", {"name": "x"})
    view = lambda request: HttpResponse()  # noqa: E731
    view.csrf_exempt = True  # type: ignore[attr-defined]
    _body_limit_middleware().process_view(request, view, (), {})
    assert b"name" in request.body


def test_client_gone_before_the_body_arrived_breaks_nothing() -> None:
    class Gone(BytesIO):
        def read(self, *size: Any) -> bytes:
            raise UnreadablePostError

    body = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "wsgi.input": Gone()}
    request = RequestFactory().post("/", CONTENT_LENGTH="6", **body)
    _body_limit_middleware().process_view(request, _view, (), {})


def test_oversized_text_is_not_offered_for_copying(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.manager)
    fields = {"name": "n" * 900_000, "label": "Sales"}
    page = client.post(
        "/organisations/alder/rename/", fields, headers={"origin": "http://testserver"}
    )
    assert (page.status_code, b"Sales" in page.content) == (403, True)
    assert len(page.content) < 50_000


def test_rows_of_a_whole_megabyte_can_be_pasted(people: People, signed_in: SignIn) -> None:
    rows = [f"Alder,Key {n},oak_live_{n:030},,{'tag' * 13}" for n in range(600)]
    head = "organisation,label,api_key,organization_id,tags"
    answer = signed_in(people.manager).post("/import/", {"rows": "\n".join([head, *rows])})
    assert answer.status_code == 302

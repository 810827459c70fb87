"""What a form holds is cut to one character too many before any view can read it."""

from io import BytesIO
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.test import Client, RequestFactory

from freddy_admin.core.forms import TEXT_AT_MOST
from freddy_admin.web.body_limit import LONGER, BodyLimitMiddleware
from tests.web.conftest import People, SignIn


def _view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def _door() -> BodyLimitMiddleware:
    return BodyLimitMiddleware(_view)


def _behind(**sent: Any) -> HttpRequest:
    """The request as a view finds it."""
    request = RequestFactory().post("/", sent)
    _door().process_view(request, _view, (), {})
    return request


def test_a_text_as_long_as_any_field_takes_stays_as_it_is() -> None:
    sent = {"name": "x" * TEXT_AT_MOST, "also": ["a", "b"], "note": "é"}
    before = RequestFactory().post("/", sent).POST
    assert before == _behind(**sent).POST


def test_of_a_longer_one_as_much_is_left_as_shows_that_it_is_too_long() -> None:
    request = _behind(name=["x" * 900_000, "y"], other="z")
    assert [len(text) for text in request.POST.getlist("name")] == [TEXT_AT_MOST + 1, 1]
    assert request.POST["other"] == "z"
    with pytest.raises(AttributeError, match="immutable"):
        request.POST["name"] = ""


@pytest.mark.parametrize("name", LONGER)
def test_what_holds_more_than_a_text_has_a_limit_of_its_own(name: str) -> None:
    most = min(LONGER[name], 1_000_000)
    assert len(_behind(**{name: "x" * most}).POST[name]) == most


def test_what_programs_send_is_left_to_the_view_that_reads_it() -> None:
    request = RequestFactory().post("/", {"name": "x"})
    view = lambda request: HttpResponse()  # noqa: E731
    view.csrf_exempt = True  # type: ignore[attr-defined]
    _door().process_view(request, view, (), {})
    assert b"name" in request.body


def test_who_is_gone_before_the_body_is_there_breaks_nothing() -> None:
    class Gone(BytesIO):
        def read(self, *size: Any) -> bytes:
            raise UnreadablePostError

    request = RequestFactory().post("/", "name=x", "application/x-www-form-urlencoded")
    request._stream = Gone()
    _door().process_view(request, _view, (), {})


def test_too_long_a_paste_of_words_is_not_offered_for_copying(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.manager)
    sent = {"name": "n" * 900_000, "label": "Sales"}
    page = client.post(
        "/organisations/alder/rename/", sent, headers={"origin": "http://testserver"}
    )
    assert (page.status_code, b"Sales" in page.content) == (403, True)
    assert len(page.content) < 50_000


def test_rows_of_a_whole_megabyte_can_be_pasted(people: People, signed_in: SignIn) -> None:
    rows = [f"Alder,Key {n},oak_live_{n:030},,{'tag' * 13}" for n in range(600)]
    head = "organisation,label,api_key,organization_id,tags"
    answer = signed_in(people.manager).post("/import/", {"rows": "\n".join([head, *rows])})
    assert answer.status_code == 302

"""Headers of every response, and the pages for errors."""

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import OperationalError
from django.test import Client
from django.test.utils import override_settings
from django.urls import path

from freddy_admin.urls import handler400, handler403, handler404, handler500
from freddy_admin.urls import urlpatterns as panel
from tests.web.conftest import People, SignIn

pytestmark = pytest.mark.sqlite_is_enough

__all__ = ["handler400", "handler403", "handler404", "handler500"]
XSS = '"><script>alert(1)</script>'


REQUESTS: dict[int, tuple[str, str, dict[str, str]]] = {
    200: ("get", "/accounts/login/", {}),
    302: ("get", "/", {}),
    400: ("get", "/", {"host": "evil.example"}),
    403: ("post", "/accounts/login/", {}),
    404: ("get", "/nowhere/", {}),
    405: ("delete", "/overview.csv", {}),
    413: ("post", "/", {"content-length": "2097153"}),
    500: ("get", "/breaks/", {}),
    503: ("get", "/no-database/", {}),
}


def _crash_view(request: object) -> None:
    raise RuntimeError("secret text that nobody is shown")


def _database_error_view(request: object) -> None:
    raise OperationalError("database is locked")


urlpatterns = [*panel, path("breaks/", _crash_view), path("no-database/", _database_error_view)]


@pytest.mark.parametrize(
    "address", ["/", "/audit/", "/profile/", "/organisations/alder/", "/nowhere/", "/system/"]
)
def test_no_response_may_be_cached(address: str, people: People, signed_in: SignIn) -> None:
    for client in (Client(), signed_in(people.viewer)):
        answer = client.get(address)
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


CARRIED = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


@override_settings(ROOT_URLCONF="tests.web.test_response_headers_and_error_pages")
@pytest.mark.parametrize(
    ("status", "method", "address", "headers"),
    [
        (200, "get", "/accounts/login/", {}),
        (302, "get", "/", {}),
        (400, "get", "/", {"host": "evil.example"}),
        (400, "get", "/accounts/login/", {"host": "evil.example"}),
        (403, "post", "/accounts/login/", {}),
        (404, "get", "/nowhere/", {}),
        (404, "get", "/nowhere", {}),
        (405, "delete", "/overview.csv", {}),
        (413, "post", "/accounts/login/", {"content-length": "2097153"}),
        (413, "post", "/", {"content-length": "9" * 30}),
        (413, "post", "/", {"content-length": "-1"}),
        (405, "post", "/api/v1/statuses", {}),
        (401, "get", "/api/v1/statuses", {}),
        (500, "get", "/breaks/", {}),
        (503, "get", "/no-database/", {}),
        (200, "get", "/healthz", {}),
    ],
)
def test_every_response_carries_the_security_headers(
    status: int, method: str, address: str, headers: dict[str, str], people: People
) -> None:
    client = Client(enforce_csrf_checks=status == 403, raise_request_exception=False)
    if status not in {200, 302, 401}:
        client.force_login(people.viewer)
    answer = getattr(client, method)(address, headers=headers)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in CARRIED} == CARRIED
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "camera=()" in answer["Permissions-Policy"]


@override_settings(ROOT_URLCONF="tests.web.test_response_headers_and_error_pages")
@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/breaks/", 500, "Something broke on our side"),
        ("/no-database/", 503, "The panel cannot reach its database"),
        ("/nowhere/", 404, "There is nothing here"),
        ("/organisations/nope/", 404, "There is nothing here"),
    ],
)
def test_every_error_is_a_page_with_a_way_on(
    address: str, status: int, words: str, people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.viewer)
    client.raise_request_exception = False
    answer = client.get(address)
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert 'href="/"' in page
    assert "secret text" not in page
    assert (answer.headers.get("Retry-After") == "20") is (status == 503)


@pytest.mark.parametrize("to_https", [False, True])
def test_a_host_that_is_not_ours_gets_the_plain_page(to_https: bool, db: None) -> None:
    # The redirect to https checks the host before any middleware of the panel.
    with override_settings(SECURE_SSL_REDIRECT=to_https):
        answer = Client().get("/", headers={"host": "evil.example"})
    assert {name: answer.headers.get(name) for name in CARRIED} == CARRIED
    assert answer.status_code == 400
    assert "could not be understood" in answer.content.decode()


def test_form_of_another_site_changes_nothing_and_says_so(
    people: People, organisation: object
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.manager)
    client.get("/organisations/alder/rename/")
    headers = {"origin": "https://evil.example"}
    answer = client.post("/organisations/alder/rename/", {"name": "Stolen"}, headers=headers)
    assert answer.status_code == 403
    assert "This form came from another address" in answer.content.decode()


@pytest.mark.parametrize("field", ["q", "tag", "state", "sort", "page", "owner"])
def test_text_of_a_url_is_never_markup(field: str, people: People, signed_in: SignIn) -> None:
    client = signed_in(people.viewer)
    for address in ("/", "/audit/"):
        assert b"<script>alert" not in client.get(address, {field: XSS}).content


def test_a_changed_file_has_a_new_address() -> None:
    address = staticfiles_storage.url("css/design-tokens.css")
    assert address.startswith("/static/css/design-tokens.css?v=")
    assert len(address.partition("?v=")[2]) == 10
    assert staticfiles_storage.url("css/none.css") == "/static/css/none.css"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["css/design-tokens.css", "js/interactions.js", "img/icons.svg"])
def test_static_files_carry_every_header_but_those_of_caching(name: str, client: Client) -> None:
    answer = client.get(staticfiles_storage.url(name))
    answer.close()
    caching_headers = {"Cache-Control", "X-Robots-Tag"}
    assert {
        header: answer.headers.get(header) for header in CARRIED if header not in caching_headers
    } == {header: value for header, value in CARRIED.items() if header not in caching_headers}
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "camera=()" in answer["Permissions-Policy"]


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 405, 413, 500, 503])
@override_settings(
    ROOT_URLCONF="tests.web.test_response_headers_and_error_pages", SECURE_HSTS_SECONDS=63_072_000
)
def test_over_https_every_answer_asks_for_https_from_now_on(status: int, people: People) -> None:
    client = Client(enforce_csrf_checks=status == 403, raise_request_exception=False)
    if status not in {200, 302}:
        client.force_login(people.viewer)
    method, address, headers = REQUESTS[status]
    answer = getattr(client, method)(address, headers=headers, secure=True)
    assert answer.status_code == status
    assert answer["Strict-Transport-Security"].startswith("max-age=63072000")


def test_static_files_may_be_kept_for_a_year(db: None, client: Client) -> None:
    answer = client.get(staticfiles_storage.url("css/design-tokens.css"))
    answer.close()
    assert answer.status_code == 200
    assert "max-age=31536000" in answer["Cache-Control"]

"""A view that does nothing, without middleware: what everything else is measured against."""

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings
from django.urls import path

from benchmarks.timing import time_side_by_side
from freddy_admin.urls import urlpatterns as panel_patterns

BARE_PATH = "/bare/"
Call = Callable[[], bytes]


def bare_view(request: HttpRequest) -> HttpResponse:
    """A small answer in JSON."""
    del request
    return HttpResponse(json.dumps({"status": "alive"}), content_type="application/json")


# In front, so that looking for it takes no time.
urlpatterns = [path("bare/", bare_view), *panel_patterns]


def create_bare_handler() -> WSGIHandler:
    """Django without any middleware. ROOT_URLCONF has to be this module while it is called."""
    with override_settings(MIDDLEWARE=[]):
        return WSGIHandler()


def time_bare_view() -> float:
    """Its median CPU seconds, in turns with a page of the panel, as requests really come.

    In a loop of its own everything would lie in the processor's caches, at less than half the time.
    """
    bare, panel = create_bare_handler(), WSGIHandler()
    calls: dict[str, Callable[[], object]] = {
        "bare": lambda: wsgi_get(bare, BARE_PATH),
        "page": lambda: wsgi_get(panel, "/accounts/login/"),
    }
    assert wsgi_get(panel, "/accounts/login/")[0] == 200
    return time_side_by_side(calls, rounds=50)["bare"]


def wsgi_get(
    handler: WSGIHandler,
    path: str,
    *,
    cookie: str = "",
    headers: Mapping[str, str] | None = None,
    keeps_body: bool = True,
) -> tuple[int, dict[str, str], bytes]:
    """What a server would send for a GET: status, headers, body; without a client's own work."""
    path_info, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path_info,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_COOKIE": cookie,
        "wsgi.input": BytesIO(),
        "wsgi.url_scheme": "http",
        "wsgi.errors": BytesIO(),
        **{
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in (headers or {}).items()
        },
    }
    answer: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        del exc_info
        answer["status"], answer["headers"] = int(status[:3]), dict(headers)

    response = handler(environ, start_response)
    body = b"".join(piece if keeps_body else b"" for piece in response)
    response.close()
    return answer["status"], answer["headers"], body

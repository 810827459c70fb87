"""JSON responses for programs; an error holds one sentence in `detail`."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse

from freddy_admin.core.errors import PublicError

API_PATH_PREFIXES = ("/api/", "/metrics")


def json_response(value: Any, *, status: int = 200) -> HttpResponse:
    """The response that holds `value` as JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair, which came in as an escape, cannot go out as bytes.
    data = text.encode("utf-8", "replace")
    return HttpResponse(data, content_type="application/json", status=status)


def error_response(error: PublicError) -> HttpResponse:
    """The response to a request that a service refused, with the error's status and headers."""
    return add_error_headers(
        json_response({"detail": error.message}, status=error.http_status), error
    )


def add_error_headers(response: HttpResponse, error: PublicError) -> HttpResponse:
    """The response with the headers of an error, such as when to try again."""
    for name, value in error.headers.items():
        response[name] = value
    return response


def is_api_request(request: HttpRequest) -> bool:
    """Whether a program sent this request, which cannot read a page."""
    return request.path_info.startswith(API_PATH_PREFIXES)

"""Middleware for every response of the panel: known methods and private headers."""

from collections.abc import Callable

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseFileResponse

from freddy_admin.core.errors import PublicError
from freddy_admin.web.htmx import current_time_ms
from freddy_admin.web.pages.error.views import add_method_not_allowed_page, public_error_response
from freddy_admin.web.private_headers import add_private_headers, add_static_file_headers

GetResponse = Callable[[HttpRequest], HttpResponse]
METHOD_NOT_ALLOWED = 405
KNOWN_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
# The API refuses these by itself, in JSON.
API_ONLY_METHODS = ("PUT", "PATCH", "DELETE")


class KnownMethodsMiddleware:
    """405 for methods that no view handles; TRACE would echo cookies."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or 405 for an unknown method."""
        is_api_method = request.method in API_ONLY_METHODS and request.path_info.startswith("/api/")
        if request.method in KNOWN_METHODS or is_api_method:
            return self.get_response(request)
        return HttpResponseNotAllowed(KNOWN_METHODS)


class PrivateHeadersMiddleware:
    """Keeps responses out of every cache, search engine and foreign page; dates live updates.

    Static files are the same for everybody: they are kept out of foreign pages alone.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response with its headers."""
        response: HttpResponse = self.get_response(request)
        if isinstance(response, WhiteNoiseFileResponse):
            static_response: HttpResponse = add_static_file_headers(response)
            return static_response
        if response.status_code == METHOD_NOT_ALLOWED:
            response = add_method_not_allowed_page(request, response)
        if request.headers.get("X-Live") == "1":
            # The browser counts on from here; the Date header knows nothing of a fast clock.
            response["X-Now"] = str(current_time_ms())
        any_response: HttpResponseBase = response
        if request.method == "HEAD" and isinstance(any_response, StreamingHttpResponse):
            # The server would read all of it, line by line, to throw it away.
            any_response.streaming_content = ()
        return add_private_headers(response)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page with the message of a PublicError; None for any other error."""
        return public_error_response(request, error) if isinstance(error, PublicError) else None

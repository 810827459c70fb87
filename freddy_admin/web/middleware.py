"""What every answer of the panel carries, whoever made it."""

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
from freddy_admin.web.live import now_ms
from freddy_admin.web.private import made_private, made_shareable
from freddy_admin.web.views.errors import not_this_way, public_error

Answer = Callable[[HttpRequest], HttpResponse]
NOT_ALLOWED = 405
KNOWN_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
# The API refuses these by itself, in JSON.
OF_PROGRAMS = ("PUT", "PATCH", "DELETE")


class KnownMethodsMiddleware:
    """Takes the methods that views answer or refuse by themselves; TRACE would echo cookies."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on what is known."""
        by_program = request.method in OF_PROGRAMS and request.path_info.startswith("/api/")
        if request.method in KNOWN_METHODS or by_program:
            return self.get_response(request)
        return HttpResponseNotAllowed(KNOWN_METHODS)


class PrivateAnswersMiddleware:
    """Keeps answers out of every cache, search engine and foreign page; dates live updates.

    Static files are the same for everybody: they are kept out of foreign pages alone.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on, and mark what comes back."""
        answer: HttpResponse = self.get_response(request)
        if isinstance(answer, WhiteNoiseFileResponse):
            shared: HttpResponse = made_shareable(answer)
            return shared
        if answer.status_code == NOT_ALLOWED:
            answer = not_this_way(request, answer)
        if request.headers.get("X-Live") == "1":
            # The browser counts on from here; the Date header knows nothing of a fast clock.
            answer["X-Now"] = str(now_ms())
        streamed: HttpResponseBase = answer
        if request.method == "HEAD" and isinstance(streamed, StreamingHttpResponse):
            # The server would read all of it, line by line, to throw it away.
            streamed.streaming_content = ()
        return made_private(answer)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a service refuses is a page with a sentence, not a crash."""
        return public_error(request, error) if isinstance(error, PublicError) else None

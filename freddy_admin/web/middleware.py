"""What every answer of the panel carries, whoever made it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from freddy_admin.core.errors import PublicError
from freddy_admin.web.live import now_ms
from freddy_admin.web.private import made_private
from freddy_admin.web.views.errors import public_error

Answer = Callable[[HttpRequest], HttpResponse]


class PrivateAnswersMiddleware:
    """Keeps answers out of every cache, search engine and foreign page; dates live updates.

    Static files never come here: WhiteNoise answers before.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on, and mark what comes back."""
        answer = self.get_response(request)
        if request.headers.get("X-Live") == "1":
            # The browser counts on from here; the Date header knows nothing of a fast clock.
            answer["X-Now"] = str(now_ms())
        return made_private(answer)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a service refuses is a page with a sentence, not a crash."""
        return public_error(request, error) if isinstance(error, PublicError) else None

"""What every answer of the panel carries, whoever made it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from freddy_admin.core.errors import PublicError
from freddy_admin.web.views.errors import public_error

Answer = Callable[[HttpRequest], HttpResponse]

HEADERS = {
    # Pages speak of one person's organisations: no proxy, and no back button after signing out.
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-Robots-Tag": "noindex, nofollow",
}


class PrivateAnswersMiddleware:
    """Keeps answers out of every cache, search engine and foreign page.

    Static files never come here: WhiteNoise answers before.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on, and mark what comes back."""
        answer = self.get_response(request)
        for name, value in HEADERS.items():
            answer[name] = value
        return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a service refuses is a page with a sentence, not a crash."""
        return public_error(request, error) if isinstance(error, PublicError) else None

"""How often one user may change something: requests are limited before they write an event."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from freddy_admin.accounts.models import User
from freddy_admin.core.json_responses import is_api_request
from freddy_admin.core.rate_limits import RateLimit, TooManyRequests, rate_limit_consume
from freddy_admin.web.pages.error.views import public_error_response

View = Callable[..., HttpResponse]
# Somebody who gives fifty members another role, a form each, stays below it; a script does not.
USER_WRITE_LIMIT: Final = RateLimit("writes", amount=60, seconds=60)
# An attacker with a session who floods must not keep its user from ending it. Each of these
# writes an event only where there was a session to end.
EXEMPT_URL_NAMES: Final = frozenset({"account_logout", "session_end", "sessions_end"})


class WriteLimitMiddleware:
    """Counts every form that a signed-in user sends; beyond the limit it is not read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response unchanged: `process_view` does the work."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> HttpResponse | None:
        """429 beyond the limit; None where the view may run."""
        match = request.resolver_match
        if (
            request.method != "POST"
            or is_api_request(request)
            or not isinstance(request.user, User)
        ):
            return None
        if match is not None and match.view_name in EXEMPT_URL_NAMES:
            return None
        try:
            rate_limit_consume(USER_WRITE_LIMIT, key=str(request.user.pk))
        except TooManyRequests as error:
            return public_error_response(request, error)
        return None

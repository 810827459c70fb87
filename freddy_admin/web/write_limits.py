"""How often one person may change something: whatever writes an event is held back before it."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from freddy_admin.accounts.models import User
from freddy_admin.core.limits import Limit, TooManyRequests, limit_hold
from freddy_admin.core.machines import for_programs
from freddy_admin.web.views.errors import public_error

View = Callable[..., HttpResponse]

# Somebody who gives fifty members another role, a form each, stays below it; a script does not.
BY_HAND: Final = Limit("writes", most=60, seconds=60)
# With all tokens of one person together; apart from their own hands, which it must not hold back.
BY_PROGRAMS: Final = Limit("program-writes", most=60, seconds=60)
# Whoever has somebody's session and floods must not keep them from ending it. Each of these
# writes an event only where a session was there to be ended.
NEVER_HELD: Final = frozenset({"account_logout", "session_end", "sessions_end"})


class WriteLimitMiddleware:
    """Counts every form that a signed-in person sends; beyond the limit it is not read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; the work is done once the view is known."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> HttpResponse | None:
        """429 with a sentence, or None where the person may go on."""
        match = request.resolver_match
        if request.method != "POST" or for_programs(request) or not isinstance(request.user, User):
            return None
        if match is not None and match.view_name in NEVER_HELD:
            return None
        try:
            limit_hold(BY_HAND, of=str(request.user.pk))
        except TooManyRequests as refused:
            return public_error(request, refused)
        return None

"""A request's body has a limit before anything of it is read, whoever sends it."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from freddy_admin.web.views.errors import too_large

# What a form may hold is less (DATA_UPLOAD_MAX_MEMORY_SIZE); this also counts a file beside it.
# Without it, a file in a form that takes none would be written to the disk in full.
BODY_AT_MOST: Final = 2_097_152


class BodyLimitMiddleware:
    """Goes before the first thing that reads a form, and that is the check against forgery."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on what says that it is small enough; a body without a length is not read at all."""
        text = request.META.get("CONTENT_LENGTH") or "0"
        if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= BODY_AT_MOST:
            return self.get_response(request)
        return too_large(request)

"""Limits the size of a request's body, and of each text in it, before any of it is used."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError

from freddy_admin.accounts.mfa.forms import CREDENTIAL_LIMIT
from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH
from freddy_admin.web.pages.error.views import body_too_large_response

# What a form may hold is less (DATA_UPLOAD_MAX_MEMORY_SIZE); this also counts a file beside it.
# Without it, a file in a form that takes none would be written to the disk in full.
MAX_BODY_BYTES: Final = 2_097_152
# Fields that hold more than a text: a browser's answer for a passkey, and pasted rows, whose
# cells have limits of their own.
LONG_FIELD_LIMITS: Final = {"credential": CREDENTIAL_LIMIT, "rows": MAX_BODY_BYTES}
View = Callable[..., HttpResponse]


class BodyLimitMiddleware:
    """Stands before the first middleware that reads a form, which is the CSRF check."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or 413 for a body whose Content-Length is too large or not a number."""
        text = request.META.get("CONTENT_LENGTH") or "0"
        if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= MAX_BODY_BYTES:
            return self.get_response(request)
        return body_too_large_response(request)

    def process_view(self, request: HttpRequest, view: View, *__: object) -> None:
        """Truncate each text of a form to one character too many, also where no form validates it.

        The form that it belongs to still finds it too long, and says so beside the field;
        nothing else of the panel can be given a long text to work on.
        """
        if getattr(view, "csrf_exempt", False):
            return  # the JSON API, which takes no forms
        try:
            fields = request.POST
        except UnreadablePostError:  # the client is gone: the CSRF check answers
            return
        if any(_is_field_too_long(name, text) for name, texts in fields.lists() for text in texts):
            request.POST = _truncate_fields(fields)  # type: ignore[assignment]


def _is_field_too_long(name: str, text: str) -> bool:
    return len(text) > LONG_FIELD_LIMITS.get(name, DEFAULT_TEXT_MAX_LENGTH)


def _truncate_fields(fields: QueryDict) -> QueryDict:
    truncated = QueryDict(mutable=True, encoding=fields.encoding)
    for name, texts in fields.lists():
        max_length = LONG_FIELD_LIMITS.get(name, DEFAULT_TEXT_MAX_LENGTH) + 1
        truncated.setlist(name, [text[:max_length] for text in texts])
    truncated._mutable = False  # noqa: SLF001  as Django leaves it
    return truncated

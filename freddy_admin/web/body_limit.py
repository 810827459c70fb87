"""A request's body, and each text in it, has a limit before anything of it is read."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError

from freddy_admin.accounts.second_factor.forms import ANSWER_LIMIT
from freddy_admin.core.forms import TEXT_AT_MOST
from freddy_admin.web.views.errors import too_large

# What a form may hold is less (DATA_UPLOAD_MAX_MEMORY_SIZE); this also counts a file beside it.
# Without it, a file in a form that takes none would be written to the disk in full.
BODY_AT_MOST: Final = 2_097_152
# Fields that hold more than a text: a browser's answer for a passkey, and pasted rows, whose
# cells have limits of their own.
LONGER: Final = {"credential": ANSWER_LIMIT, "rows": BODY_AT_MOST}

View = Callable[..., HttpResponse]


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

    def process_view(self, request: HttpRequest, view: View, *__: object) -> None:
        """Cut each text of a form to one character too many, also where no form looks at it.

        The form that it belongs to still finds it too long, and says so beside the field;
        nothing else of the panel can be given a long text to work on.
        """
        if getattr(view, "csrf_exempt", False):
            return  # for programs, which send no forms
        try:
            sent = request.POST
        except UnreadablePostError:  # who sent it is gone: the check against forgery answers
            return
        if any(_is_too_long(name, text) for name, texts in sent.lists() for text in texts):
            request.POST = _cut(sent)  # type: ignore[assignment]


def _is_too_long(name: str, text: str) -> bool:
    return len(text) > LONGER.get(name, TEXT_AT_MOST)


def _cut(sent: QueryDict) -> QueryDict:
    cut = QueryDict(mutable=True, encoding=sent.encoding)
    for name, texts in sent.lists():
        most = LONGER.get(name, TEXT_AT_MOST) + 1
        cut.setlist(name, [text[:most] for text in texts])
    cut._mutable = False  # noqa: SLF001  as Django leaves it
    return cut

"""Pages for what went wrong, each with a way on. The last needs neither database nor context."""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext as _

from freddy_admin.core.database_writes import WriteFault, write_fault_of
from freddy_admin.core.errors import PublicError
from freddy_admin.core.machines import for_programs, headed, json_answer, refusal
from freddy_admin.web.private import made_private
from freddy_admin.web.typed import typed_words

RETRY_AFTER_SECONDS = "20"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself cannot be read."""
    del exception
    if for_programs(request):
        return made_private(_told(400, _("This request cannot be read.")))
    # A foreign host may be noticed before any middleware of ours has a say.
    return made_private(HttpResponse(loader.render_to_string("errors/400.html"), status=400))


def too_large(request: HttpRequest) -> HttpResponse:
    """413: more than any form here takes; nothing of it was read. Programs are told as JSON."""
    if request.path.startswith("/api/"):
        return made_private(JsonResponse({"detail": _("The body is too big.")}, status=413))
    return made_private(HttpResponse(loader.render_to_string("errors/413.html"), status=413))


def not_this_way(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """405 with a page, where the framework's own is empty; programs read the status alone."""
    if not for_programs(request) and not answer.content:
        answer.content = loader.render_to_string("errors/405.html")
        answer["Content-Length"] = str(len(answer.content))
    return answer


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: yours to see, but your role does not allow this."""
    sentence = exception.message if isinstance(exception, PublicError) else ""
    return render(request, "errors/403.html", {"sentence": sentence}, status=403)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: not there, or not yours; the two look the same."""
    del exception
    return render(request, "errors/404.html", status=404)


def public_error(request: HttpRequest, error: PublicError) -> HttpResponse:
    """What a service refused, by its status."""
    if for_programs(request):
        return refusal(error)
    if error.http_status == 404:
        return page_not_found(request)
    if error.http_status == 403:
        return permission_denied(request, error)
    page = {
        "sentence": error.message,
        "status": error.http_status,
        "typed": typed_words(request),
        "again": request.path if error.http_status == 429 and _has_page(request) else "",
    }
    answer = render(request, "errors/refused.html", page, status=error.http_status)
    return headed(answer, error)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault; 503 where it is the database's, which most likely comes back by itself."""
    fault = write_fault_of(sys.exc_info()[1])
    if fault is not None:
        return database_unavailable(request, fault)
    if for_programs(request):
        return made_private(_told(500, _("The panel broke.")))
    return made_private(HttpResponse(loader.render_to_string("errors/500.html"), status=500))


def database_unavailable(request: HttpRequest, fault: WriteFault) -> HttpResponse:
    """503: the database is away, or takes no writes; most likely for a moment."""
    sentence = str(fault.sentence)
    if for_programs(request):
        answer = _told(503, sentence)
    else:
        away = fault is WriteFault.AWAY
        title = _("The panel cannot reach its database") if away else _("Nothing can be saved now")
        page = loader.render_to_string("errors/503.html", {"title": title, "sentence": sentence})
        answer = HttpResponse(page, status=503)
    answer["Retry-After"] = RETRY_AFTER_SECONDS
    return made_private(answer)


def _told(status: int, sentence: str) -> HttpResponse:
    return json_answer({"detail": sentence}, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form that was open too long, or that another site sent."""
    del reason  # written for developers
    has_page = _has_page(request)
    page = {
        "title": _("This form is no longer valid"),
        "sentence": _(
            "Most likely you signed in again in another tab, or it was open for a long time. "
            "Nothing was changed."
        ),
        "hint": _("Open the page anew and send it again.")
        if has_page
        else _("Go back, reload the page and send it again."),
        "again": request.path if has_page else "",
        "typed": typed_words(request),
    }
    return render(request, "errors/403.html", page, status=403)


def _has_page(request: HttpRequest) -> bool:
    """Whether the address can be opened, and is not only a button's."""
    match = request.resolver_match
    return "GET" in getattr(match and match.func, "access_methods", ("GET",))

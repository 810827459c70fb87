"""Pages for what went wrong, each with a way on; those of 5xx need no database and no context."""

import re
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext as _

from freddy_admin.core.errors import PublicError
from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH
from freddy_admin.core.json_responses import (
    add_error_headers,
    error_response,
    is_api_request,
    json_response,
)
from freddy_admin.core.write_failures import WriteFailure, write_failure_from_error
from freddy_admin.web.private_headers import PRIVATE_HEADERS
from freddy_admin.wording.csrf import csrf_failure_wording
from freddy_admin.wording.platform import database_failure_title

RETRY_AFTER_SECONDS = "20"
# The fields that our forms show again when something in them is wrong; never a secret.
SHOWN_FIELDS = ("name", "label", "tags", "organization_id", "grace_minutes", "expires_on", "email")


def bad_request_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself cannot be read."""
    del exception
    if is_api_request(request):
        return _json_error_response(400, _("This request cannot be read."))
    return _plain_page("errors/400.html", 400)


def body_too_large_response(request: HttpRequest) -> HttpResponse:
    """413: more than any form here takes; nothing of it was read. JSON for programs."""
    if request.path_info.startswith("/api/"):
        return _json_error_response(413, _("The body is too big."))
    return _plain_page("errors/413.html", 413)


def add_method_not_allowed_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """405 with a page, where the framework's own is empty; programs read the status alone."""
    if not is_api_request(request) and not response.content:
        response.content = loader.render_to_string("errors/405.html")
        response["Content-Length"] = str(len(response.content))
    return response


def permission_denied_view(
    request: HttpRequest, exception: Exception | None = None
) -> HttpResponse:
    """403: the person may see this, but their role does not allow the action."""
    sentence = exception.message if isinstance(exception, PublicError) else ""
    return render(request, "errors/403.html", {"sentence": sentence}, status=403)


def page_not_found_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: does not exist, or is not this person's; the two look alike."""
    del exception
    return render(request, "errors/404.html", status=404)


def public_error_response(request: HttpRequest, error: PublicError) -> HttpResponse:
    """The page, or JSON for programs, for what a service refused, by its HTTP status."""
    if is_api_request(request):
        return error_response(error)
    if error.http_status == 404:
        return page_not_found_view(request)
    if error.http_status == 403:
        return permission_denied_view(request, error)
    template_context = {
        "sentence": error.message,
        "status": error.http_status,
        "unsaved_input": _unsaved_input_text(request),
        "retry_url": request.path if error.http_status == 429 and _accepts_get(request) else "",
    }
    response = render(
        request, "errors/public_error.html", template_context, status=error.http_status
    )
    return add_error_headers(response, error)


def server_error_view(request: HttpRequest) -> HttpResponse:
    """500 for our own errors; 503 where the database failed, which mostly comes back by itself."""
    write_failure = write_failure_from_error(sys.exc_info()[1])
    if write_failure is not None:
        return database_unavailable_response(request, write_failure)
    if is_api_request(request):
        return _json_error_response(500, _("The panel broke."))
    return _plain_page("errors/500.html", 500)


def database_unavailable_response(
    request: HttpRequest, write_failure: WriteFailure
) -> HttpResponse:
    """503 with Retry-After: the database is unreachable or takes no writes, mostly for a moment."""
    sentence = str(write_failure.sentence)
    if is_api_request(request):
        response = _json_error_response(503, sentence)
    else:
        title = str(database_failure_title(write_failure))
        response = _plain_page("errors/503.html", 503, {"title": title, "sentence": sentence})
    response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


# With headers of their own: an error may be noticed before any middleware of ours has a say.
def _json_error_response(status: int, sentence: str) -> HttpResponse:
    response = json_response({"detail": sentence}, status=status)
    for name, value in PRIVATE_HEADERS.items():
        response[name] = value
    return response


def _plain_page(template: str, status: int, context: dict[str, Any] | None = None) -> HttpResponse:
    html = loader.render_to_string(template, context)
    return HttpResponse(html, status=status, headers=PRIVATE_HEADERS)


def csrf_failure_view(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form that was open too long, or came from another address or without its cookie."""
    has_page = _accepts_get(request)
    wording = csrf_failure_wording(
        reason,
        origin=_sender_origin(request),
        host=request.get_host(),
        panel_url=settings.PANEL_URL,
        cookie=settings.CSRF_COOKIE_NAME,
    )
    reload_hint = (
        _("Open the page anew and send it again.")
        if has_page
        else _("Go back, reload the page and send it again.")
    )
    template_context = {
        "title": wording.title,
        "sentence": wording.sentence,
        "hint": wording.hint or reload_hint,
        "retry_url": request.path if has_page else "",
        "unsaved_input": _unsaved_input_text(request),
    }
    return render(request, "errors/403.html", template_context, status=403)


def _sender_origin(request: HttpRequest) -> str:
    """Scheme, host and port of the page that sent a form; empty where they cannot be told."""
    header = request.headers.get("Origin") or request.headers.get("Referer", "")
    match = re.match(r"https?://[A-Za-z0-9.:_\[\]-]{1,255}(?=/|$)", header)
    return match[0] if match else ""


def _accepts_get(request: HttpRequest) -> bool:
    """Whether the URL takes GET, and is not only the target of a button."""
    match = request.resolver_match
    return "GET" in getattr(match and match.func, "access_methods", ("GET",))


def _unsaved_input_text(request: HttpRequest) -> str:
    """What was typed into a form that could not be saved, to be copied: one line for each field.

    Empty unless a page of this panel sent it: a foreign page must not put its text into ours.
    """
    origin = urlsplit(request.headers.get("Origin", ""))
    if origin.netloc not in {request.get_host(), urlsplit(settings.PANEL_URL).netloc}:
        return ""
    texts = [request.POST.get(name, "") for name in SHOWN_FIELDS]
    # No form of ours takes a longer text, so there is nothing to copy.
    return "\n".join(text for text in texts if text and len(text) <= DEFAULT_TEXT_MAX_LENGTH)

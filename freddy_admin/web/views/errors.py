"""Pages for what went wrong, each with a way on. The last one needs neither database nor context."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext as _

from freddy_admin.core.errors import PublicError


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself cannot be read."""
    del exception
    return HttpResponse(loader.render_to_string("errors/400.html"), status=400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: yours to see, but your role does not allow this."""
    sentence = exception.message if isinstance(exception, PublicError) else ""
    return render(request, "errors/403.html", {"sentence": sentence}, status=403)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: not there, or not yours; the two look the same."""
    del exception
    return render(request, "errors/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault. No context and no database: either may be what broke."""
    del request
    return HttpResponse(loader.render_to_string("errors/500.html"), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form that was open too long, or that another site sent."""
    del reason  # written for developers
    sentence = _("This form is no longer valid, most likely because it was open for a long time.")
    answer = {"sentence": sentence, "hint": _("Go back, reload the page and send it again.")}
    return render(request, "errors/403.html", answer, status=403)

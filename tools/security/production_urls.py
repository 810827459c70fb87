"""The panel's URLs, and one that crashes, so that the page of an error 500 can be scanned."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from freddy_admin.urls import handler400, handler403, handler404, handler500
from freddy_admin.urls import urlpatterns as panel

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def crash_view(request: HttpRequest) -> HttpResponse:
    """Raises RuntimeError, as a bug of the panel would."""
    raise RuntimeError("on purpose")


urlpatterns = [*panel, path("breaks/", crash_view)]

"""The panel's addresses, and one that breaks, so that its 500 can be looked at."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from freddy_admin.urls import handler400, handler403, handler404, handler500
from freddy_admin.urls import urlpatterns as panel

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def breaks(request: HttpRequest) -> HttpResponse:
    """As an error of ours would."""
    raise RuntimeError("on purpose")


urlpatterns = [*panel, path("breaks/", breaks)]

"""The headers that keep a response private to the user it is for."""

from typing import TypeVar

from django.conf import settings
from django.http.response import HttpResponseBase

T = TypeVar("T", bound=HttpResponseBase)
PRIVATE_HEADERS = {
    # Pages speak of one person's organisations: no proxy, and no back button after signing out.
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-Robots-Tag": "noindex, nofollow",
    # Django adds these, too, but not to a request that it rejects before any middleware.
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
}


def add_private_headers(response: T) -> T:
    """The response with `PRIVATE_HEADERS`."""
    for name, value in PRIVATE_HEADERS.items():
        response[name] = value
    return response


def add_static_file_headers(response: T) -> T:
    """A static file with these headers, but for those on caches and search engines."""
    for name, value in PRIVATE_HEADERS.items():
        if name not in {"Cache-Control", "X-Robots-Tag"}:
            response[name] = value
    return response

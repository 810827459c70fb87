"""The headers that keep an answer to the one it is for."""

from typing import TypeVar

from django.conf import settings
from django.http.response import HttpResponseBase

T = TypeVar("T", bound=HttpResponseBase)

HEADERS = {
    # Pages speak of one person's organisations: no proxy, and no back button after signing out.
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-Robots-Tag": "noindex, nofollow",
    # Django adds these, too, but not to a request that it turns away at its door.
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
}


def made_private(answer: T) -> T:
    """The same answer, with all of them."""
    for name, value in HEADERS.items():
        answer[name] = value
    return answer


def made_shareable(answer: T) -> T:
    """A file that is the same for everybody: how long it may be kept it says itself."""
    for name, value in HEADERS.items():
        if name not in {"Cache-Control", "X-Robots-Tag"}:
            answer[name] = value
    return answer

"""The headers that keep a response private to the user it is for."""

from django.conf import settings

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
# Static files are the same for everybody, so caches and search engines may keep them.
STATIC_FILE_HEADERS = {
    name: value
    for name, value in PRIVATE_HEADERS.items()
    if name not in {"Cache-Control", "X-Robots-Tag"}
}

"""Live updates: a browser says which parts it shows, and is sent those that changed."""

from django.http import HttpRequest, HttpResponse

from freddy_admin.core import clock

LIMIT = 8_192


def now_ms() -> int:
    """The panel's moment as JavaScript counts, from which a page counts its times on."""
    return int(clock.now().timestamp() * 1000)


def seen_marks(request: HttpRequest) -> dict[str, str] | None:
    """Part → digest, as the browser shows it; None where the request is for a whole page."""
    if request.headers.get("X-Live") != "1":
        return None
    text = request.headers.get("X-Seen", "")[:LIMIT]
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return {name: mark for name, _, mark in pairs}


def nothing_new() -> HttpResponse:
    """204: the browser leaves the page as it is."""
    return HttpResponse(status=204)


def parts_only(answer: HttpResponse) -> HttpResponse:
    """The answer holds parts that find their own places; nothing else is to be replaced."""
    answer["HX-Reswap"] = "none"
    return answer

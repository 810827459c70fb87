"""Live updates: the browser sends the digests of its parts and gets those that changed."""

from datetime import UTC, datetime
from zlib import crc32

from django.http import HttpRequest, HttpResponse

from freddy_admin.core import clock

SEEN_HEADER_LIMIT = 8_192


def current_time_ms() -> int:
    """The panel's time in milliseconds since 1970, from which the browser counts on."""
    return int(clock.now().timestamp() * 1000)


def seen_part_digests(request: HttpRequest) -> dict[str, str] | None:
    """Part → digest, as the browser shows them; None where the request is for a whole page."""
    if request.headers.get("X-Live") != "1":
        return None
    text = request.headers.get("X-Seen", "")[:SEEN_HEADER_LIMIT]
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return {name: digest for name, _, digest in pairs}


def not_modified() -> HttpResponse:
    """204: the browser leaves the page as it is."""
    return HttpResponse(status=204)


def render_parts(response: HttpResponse) -> HttpResponse:
    """The response, whose parts are swapped out of band: nothing else is to be replaced."""
    response["HX-Reswap"] = "none"
    return response


def values_digest(*values: object) -> str:
    """A short digest of values; equal values give equal digests, in every process."""
    text = "\x1f".join(_stable_text(value) for value in values)
    return f"{crc32(text.encode('utf-8', 'backslashreplace')):08x}"


# Most values of a row; to ask each of them what it is an instance of costs half of a digest.
_PLAIN_TYPES = frozenset({str, bool, int, float, datetime, type(None)})


def _stable_text(value: object) -> str:
    if type(value) in _PLAIN_TYPES:
        return str(value)
    if isinstance(value, frozenset | set):
        return ",".join(sorted(str(item) for item in value))
    if isinstance(value, tuple | list):
        return "(" + "\x1e".join(_stable_text(item) for item in value) + ")"
    return str(value)


def check_requested_since(request: HttpRequest) -> datetime | None:
    """When this person pressed *Check now*, from the query string (`asked`, milliseconds)."""
    text = request.GET.get("asked", "")
    if not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)

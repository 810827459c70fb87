"""How a call went, told without a trace of its key."""

from collections.abc import Mapping

from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.text import header_id, without
from freddy_admin.aitronos.types import CallInfo

_TEXTS = ("code", "message", "trace_id", "request_id", "field", "detail")


def call_info(
    headers: Mapping[str, str], *, elapsed_ms: float, attempts: int, secret: str | None
) -> CallInfo:
    """What the headers of a good answer tell; none of them is relied on."""

    def told(name: str) -> str:
        return without(header_id(headers, name), secret or "")

    return CallInfo(
        http_status=200,
        request_id=told("x-request-id"),
        trace_id=told("x-trace-id"),
        organization_id=told("aitronos-organization"),
        processing_ms=_number(headers.get("freddy-processing-ms")),
        elapsed_ms=elapsed_ms,
        attempts=attempts,
    )


def scrub(error: AitronosError, secret: str | None) -> None:
    """Take the key out of what the other side said, should it have sent it back."""
    for name in _TEXTS:
        setattr(error, name, without(getattr(error, name), secret or ""))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None

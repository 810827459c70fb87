"""How a call went, told without a trace of its key."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.redaction import Redactor
from freddy_admin.aitronos.text import header_id
from freddy_admin.aitronos.types import CallInfo, SyncStatus

Value = TypeVar("Value")
_TEXTS = ("code", "message", "trace_id", "request_id", "field", "detail")
# Nothing but numbers, times, true and false.
_TEXTLESS = frozenset({SyncStatus, int, bool, datetime, type(None)})


def call_info(
    headers: Mapping[str, str], *, elapsed_ms: float, attempts: int, redactor: Redactor
) -> CallInfo:
    """What the headers of a good answer tell; none of them is relied on."""

    def told(name: str) -> str:
        return redactor.clean(header_id(headers, name))

    return CallInfo(
        http_status=200,
        request_id=told("x-request-id"),
        trace_id=told("x-trace-id"),
        organization_id=told("aitronos-organization"),
        processing_ms=_number(headers.get("freddy-processing-ms")),
        elapsed_ms=elapsed_ms,
        attempts=attempts,
    )


def scrub(error: AitronosError, redactor: Redactor) -> None:
    """Take the key out of what the other side said, should it have sent it back."""
    for name in _TEXTS:
        setattr(error, name, redactor.clean(getattr(error, name)))


def scrubbed(value: Value, redactor: Redactor) -> Value:
    """A value of `types` with no trace of the key in its texts."""

    def clean(one: Any) -> Any:
        if type(one) in _TEXTLESS:
            return one
        if isinstance(one, str):
            return redactor.clean(one)
        if isinstance(one, tuple):
            return tuple(map(clean, one))
        if dataclasses.is_dataclass(one) and not isinstance(one, type):
            parts = {part.name: clean(getattr(one, part.name)) for part in dataclasses.fields(one)}
            return type(one)(**parts)
        return one

    cleared: Value = clean(value)
    return cleared


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None

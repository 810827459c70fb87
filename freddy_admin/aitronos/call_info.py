"""How a call went, without a trace of its key."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.redaction import Redactor
from freddy_admin.aitronos.text_cleaning import clean_header_id
from freddy_admin.aitronos.types import CallInfo, SyncStatusResponse

Value = TypeVar("Value")
_ERROR_TEXT_FIELDS = ("code", "message", "trace_id", "request_id", "field", "detail")
# Nothing but numbers, times, true and false.
_TYPES_WITHOUT_TEXT = frozenset({SyncStatusResponse, int, bool, datetime, type(None)})


def build_call_info(
    headers: Mapping[str, str], *, elapsed_ms: float, attempts: int, redactor: Redactor
) -> CallInfo:
    """What the headers of a good response tell; none of them is relied on."""

    def header_id(name: str) -> str:
        return redactor.redact(clean_header_id(headers, name))

    return CallInfo(
        http_status=200,
        request_id=header_id("x-request-id"),
        trace_id=header_id("x-trace-id"),
        organization_id=header_id("aitronos-organization"),
        processing_ms=_parse_milliseconds(headers.get("freddy-processing-ms")),
        elapsed_ms=elapsed_ms,
        attempts=attempts,
    )


def redact_error(error: AitronosError, redactor: Redactor) -> None:
    """Take the key out of what the other side said, should it have sent it back."""
    for name in _ERROR_TEXT_FIELDS:
        setattr(error, name, redactor.redact(getattr(error, name)))


def redact_value(value: Value, redactor: Redactor) -> Value:
    """A value of `types` with no trace of the key in its texts."""

    def redact_part(part: Any) -> Any:
        if type(part) in _TYPES_WITHOUT_TEXT:
            return part
        if isinstance(part, str):
            return redactor.redact(part)
        if isinstance(part, tuple):
            return tuple(map(redact_part, part))
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            names = [field.name for field in dataclasses.fields(part)]
            return type(part)(**{name: redact_part(getattr(part, name)) for name in names})
        return part

    redacted: Value = redact_part(value)
    return redacted


def _parse_milliseconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None

"""No value, as a typed error: by what failed on the way, or by a status that is not 200.

A status goes by the API's own body where it is one; every form that the body may take is survived:
the envelope, `detail` as text or list, HTML, nothing.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from freddy_admin.aitronos.errors import (
    AitronosError,
    ConnectionFailed,
    FailureKind,
    FirewallBlocked,
    KeyNotPermitted,
    KeyRefused,
    RateLimited,
    RequestTimedOut,
    RequestWithheld,
    ServerError,
    UnexpectedStatus,
    UnreadableResponse,
)
from freddy_admin.aitronos.json_parsing import strict_json_loads
from freddy_admin.aitronos.text_cleaning import (
    ID_LENGTH,
    ORGANIZATION_HEADER,
    clean_header_id,
    clean_text,
)
from freddy_admin.outbound.errors import TransportError, TransportFailure

CODE_LENGTH, MESSAGE_LENGTH = 64, 300
TYPE_LENGTH, TIMESTAMP_LENGTH = 64, 64
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 3600.0
_EARLIEST_EPOCH_SECONDS = 1e9  # of 2001: a number above is a moment, for no wait is that long
# A "quota" in a sentence may be that of requests; in a code it is the one of money.
_SPENDING_CODE = re.compile(r"SPEND|BUDGET|BILLING|CREDIT|INSUFFICIENT_QUOTA", re.IGNORECASE)
_SPENDING_MESSAGE = re.compile(r"spend|budget|billing", re.IGNORECASE)
Clock = Callable[[], datetime]
_TRANSPORT_ERRORS: Final[Mapping[TransportFailure, type[AitronosError]]] = {
    TransportFailure.WITHHELD: RequestWithheld,
    TransportFailure.READ_TIMEOUT: RequestTimedOut,
    TransportFailure.TOTAL_TIMEOUT: RequestTimedOut,
    TransportFailure.UNREADABLE_ANSWER: UnreadableResponse,
}


def error_from_transport(error: TransportError) -> AitronosError:
    """The error of a call whose exchange brought no response."""
    return _TRANSPORT_ERRORS.get(error.kind, ConnectionFailed)(
        FailureKind(error.kind.value),
        field=error.part,
        detail=error.detail,
        http_status=error.http_status,
        request_sent=error.request_sent,
    )


def error_from_response(
    status: int, headers: Mapping[str, str], body: bytes, *, clock: Clock
) -> AitronosError:
    """The error that this response is; what it says is cleaned and cut."""
    body_object = _parse_error_body(body)
    error, detail = body_object.get("error"), body_object.get("detail")
    envelope = error if isinstance(error, dict) else {}
    code = clean_text(envelope.get("code"), CODE_LENGTH)
    message = _first_message(envelope.get("message"), error, detail)
    meta = body_object.get("meta")
    request_id = headers.get("x-request-id") or (
        meta.get("request_id") if isinstance(meta, dict) else ""
    )
    kind, error_class = _kind_and_error_class_for_status(status, own_body=bool(code or detail))
    if kind is FailureKind.RATE_LIMITED and _is_spending_limit(code, message, envelope):
        kind = FailureKind.SPENDING_LIMIT
    return error_class(
        kind,
        code=code,
        http_status=status,
        message=message,
        system_message=clean_text(envelope.get("system_message"), MESSAGE_LENGTH),
        error_type=clean_text(envelope.get("type") or body_object.get("error_type"), TYPE_LENGTH),
        timestamp=clean_text(envelope.get("timestamp"), TIMESTAMP_LENGTH),
        trace_id=clean_text(envelope.get("trace_id"), ID_LENGTH),
        request_id=clean_text(request_id, ID_LENGTH),
        organization_id=clean_header_id(headers, ORGANIZATION_HEADER),
        retry_after=_retry_after_seconds(status, headers, envelope, clock),
    )


def _kind_and_error_class_for_status(
    status: int, *, own_body: bool
) -> tuple[FailureKind, type[AitronosError]]:
    if status == 401:
        return FailureKind.KEY_REFUSED, KeyRefused
    if status == 403 and own_body:
        return FailureKind.KEY_NOT_PERMITTED, KeyNotPermitted
    if status == 403:
        return FailureKind.FIREWALL, FirewallBlocked
    if status == 429:
        return FailureKind.RATE_LIMITED, RateLimited
    if 500 <= status <= 599:
        return FailureKind.SERVER_ERROR, ServerError
    return FailureKind.UNEXPECTED_STATUS, UnexpectedStatus


def _parse_error_body(body: bytes) -> dict[str, Any]:
    try:
        body_object = strict_json_loads(body)
    except ValueError:
        return {}
    return body_object if isinstance(body_object, dict) else {}


def _first_message(*candidates: object) -> str:
    """The first that says something: a text, a list of complaints, or an object around a text."""
    for value in candidates:
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            value = value.get("message") or value.get("msg")
        text = clean_text(value, MESSAGE_LENGTH)
        if text:
            return text
    return ""


def _is_spending_limit(code: str, message: str, envelope: dict[str, Any]) -> bool:
    messages = message, clean_text(envelope.get("system_message"), MESSAGE_LENGTH)
    return bool(_SPENDING_CODE.search(code)) or any(map(_SPENDING_MESSAGE.search, messages))


def _retry_after_seconds(
    status: int, headers: Mapping[str, str], envelope: dict[str, Any], clock: Clock
) -> float | None:
    """The first readable hint, in the documented order, held between 1 s and 1 h.

    Behind the documented ones come two that others send. `X-RateLimit-Reset` is read of a 429
    alone: it may stand in every answer, and asks for no wait there.
    """
    details = envelope.get("details")
    hints = (
        headers.get("Retry-After"),
        details.get("retry_after") if isinstance(details, dict) else None,
        envelope.get("retry_after"),
        headers.get("X-RateLimit-Retry-After"),
    )
    readable_hints = (_parse_wait_hint(hint, clock) for hint in hints)
    further_hints = (
        _milliseconds_to_seconds(_parse_wait_hint(headers.get("retry-after-ms"), clock)),
        _seconds_until_reset(headers.get("X-RateLimit-Reset"), clock) if status == 429 else None,
    )
    for seconds in (*readable_hints, *further_hints):
        if seconds is not None:
            return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)
    return None


def _milliseconds_to_seconds(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _seconds_until_reset(hint: str | None, clock: Clock) -> float | None:
    """Seconds until `X-RateLimit-Reset`: a wait, or a moment as epoch (s or ms) or as a date."""
    value = _parse_wait_hint(hint, clock)
    if value is None or value < _EARLIEST_EPOCH_SECONDS:
        return value
    epoch_seconds = value / 1000 if value >= 1000 * _EARLIEST_EPOCH_SECONDS else value
    return max(0.0, epoch_seconds - clock().timestamp())


def _parse_wait_hint(hint: object, clock: Clock) -> float | None:
    if isinstance(hint, bool):
        return None
    if isinstance(hint, int | float):
        return float(hint) if hint >= 0 and math.isfinite(hint) else None
    if not isinstance(hint, str):
        return None
    text = hint.strip()
    if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text, re.ASCII):
        return float(text)
    if re.fullmatch(r"\d+", text, re.ASCII):
        return LONGEST_WAIT
    return _seconds_until_http_date(text, clock)


def _seconds_until_http_date(text: str, clock: Clock) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - clock()).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

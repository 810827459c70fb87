"""A status that is not 200, as a typed error: by the status, and by the API's body where it is one.

Survives every form the body may take: the envelope, `detail` as text or list, HTML, nothing.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from freddy_admin.aitronos.errors import (
    AitronosError,
    FailureKind,
    FirewallBlocked,
    KeyNotPermitted,
    KeyRefused,
    RateLimited,
    ServerError,
    UnexpectedStatus,
)
from freddy_admin.aitronos.parsing import json_loads
from freddy_admin.aitronos.text import ID_LENGTH, cleaned

CODE_LENGTH, MESSAGE_LENGTH = 64, 300
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 3600.0
# A "quota" in a sentence may be that of requests; in a code it is the one of money.
_SPENDING_CODE = re.compile(r"SPEND|BUDGET|BILLING|CREDIT|INSUFFICIENT_QUOTA", re.IGNORECASE)
_SPENDING_WORDS = re.compile(r"spend|budget|billing", re.IGNORECASE)
Clock = Callable[[], datetime]


def failure_of(
    status: int, headers: Mapping[str, str], body: bytes, *, clock: Clock
) -> AitronosError:
    """The error that this answer is; what it says is cleaned and cut."""
    told = _told(body)
    error, detail = told.get("error"), told.get("detail")
    envelope = error if isinstance(error, dict) else {}
    code = cleaned(envelope.get("code"), CODE_LENGTH)
    message = _message(envelope.get("message"), error, detail)
    meta = told.get("meta")
    request_id = headers.get("x-request-id") or (
        meta.get("request_id") if isinstance(meta, dict) else ""
    )
    kind, make = _kind_of(status, own_body=bool(code or detail))
    if kind is FailureKind.RATE_LIMITED and _spending(code, message, envelope):
        kind = FailureKind.SPENDING_LIMIT
    return make(
        kind,
        code=code,
        http_status=status,
        message=message,
        trace_id=cleaned(envelope.get("trace_id"), ID_LENGTH),
        request_id=cleaned(request_id, ID_LENGTH),
        retry_after=_wait_hint(headers, envelope, clock),
    )


def _kind_of(status: int, *, own_body: bool) -> tuple[FailureKind, type[AitronosError]]:
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


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json_loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _message(*candidates: object) -> str:
    """The first that says something: a text, a list of complaints, or an object around a text."""
    for one in candidates:
        if isinstance(one, list) and one:
            one = one[0]
        if isinstance(one, dict):
            one = one.get("message") or one.get("msg")
        text = cleaned(one, MESSAGE_LENGTH)
        if text:
            return text
    return ""


def _spending(code: str, message: str, envelope: dict[str, Any]) -> bool:
    said = message, cleaned(envelope.get("system_message"), MESSAGE_LENGTH)
    return bool(_SPENDING_CODE.search(code)) or any(map(_SPENDING_WORDS.search, said))


def _wait_hint(headers: Mapping[str, str], envelope: dict[str, Any], clock: Clock) -> float | None:
    """The first readable hint, in the documented order, held between 1 s and 1 h."""
    details = envelope.get("details")
    hints = (
        headers.get("Retry-After"),
        details.get("retry_after") if isinstance(details, dict) else None,
        envelope.get("retry_after"),
        headers.get("X-RateLimit-Retry-After"),
    )
    for hint in hints:
        seconds = _seconds(hint, clock)
        if seconds is not None:
            return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)
    return None


def _seconds(hint: object, clock: Clock) -> float | None:
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
    return _until(text, clock)


def _until(text: str, clock: Clock) -> float | None:
    try:
        at = parsedate_to_datetime(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - clock()).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

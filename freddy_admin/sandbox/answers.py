"""What the imitation sends: envelopes and headers as on the API page, and the odd ones."""

import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus

from freddy_admin.sandbox.refusals import Refusal

API_VERSION = "v1"
_MORE_REASONS = {422: "Unprocessable Content"}


class Delivery(StrEnum):
    """How an answer goes out on the wire."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    DRIP = "drip"
    NEVER = "never"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``delay_seconds`` pass before its first byte."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    delay_seconds: float = 0.0

    def with_headers(self, extra: dict[str, str]) -> "Answer":
        return replace(self, headers={**self.headers, **extra})

    def head(self, *, close: bool) -> bytes:
        """Status line and headers, blank line included."""
        reason = _MORE_REASONS.get(self.status) or HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"Content-Length: {len(self.body)}")
        lines.append(f"Connection: {'close' if close else 'keep-alive'}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def timestamp(moment: datetime | None) -> str | None:
    """The API's way to write a time: seconds, UTC, Z."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def request_id() -> str:
    return f"req_{uuid.uuid4().hex[:12]}"


def json_answer(payload: object, *, status: int = 200) -> Answer:
    body = json.dumps(payload).encode()
    return Answer(status, body, {"Content-Type": "application/json"})


def html_answer(status: int, title: str) -> Answer:
    """A page from something before the API: no envelope and none of the API's headers."""
    body = (
        f"<html><head><title>{title}</title></head>\r\n<body><center><h1>{title}</h1></center>"
        "<hr><center>edge-proxy</center></body></html>\r\n"
    )
    return Answer(status, body.encode(), {"Content-Type": "text/html; charset=utf-8"})


def error_answer(
    refusal: Refusal,
    now: datetime,
    *,
    details: dict[str, object] | None = None,
    retry_after: int | None = None,
) -> Answer:
    """The documented error envelope; a wait of ``retry_after`` seconds goes into the header too."""
    details = dict(details or {})
    if retry_after is not None:
        details["retry_after"] = retry_after
    error = {
        "code": refusal.code,
        "message": refusal.message,
        "system_message": refusal.system_message,
        "type": refusal.type,
        "status": refusal.status,
        "trace_id": request_id(),
        "timestamp": timestamp(now),
        "details": details,
    }
    answer = json_answer({"success": False, "error": error}, status=refusal.status)
    return answer.with_headers({} if retry_after is None else {"Retry-After": str(retry_after)})

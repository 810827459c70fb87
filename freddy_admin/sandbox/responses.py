"""What the sandbox sends: envelopes and headers as on the API page, and the odd ones."""

import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus

from freddy_admin.sandbox.api_errors import SandboxApiError

API_VERSION = "2025-01-01"
_EXTRA_REASON_PHRASES = {422: "Unprocessable Content"}


class Transmission(StrEnum):
    """How a response is written to the connection."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    DRIP = "drip"
    NEVER = "never"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """One response; ``delay_seconds`` pass before its first byte."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    transmission: Transmission = Transmission.WHOLE
    delay_seconds: float = 0.0

    def with_headers(self, headers: dict[str, str]) -> "SandboxResponse":
        return replace(self, headers={**self.headers, **headers})

    def encode_head(self, *, close: bool) -> bytes:
        """Status line and headers, blank line included."""
        reason = _EXTRA_REASON_PHRASES.get(self.status) or HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"Content-Length: {len(self.body)}")
        lines.append(f"Connection: {'close' if close else 'keep-alive'}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def format_timestamp(moment: datetime | None) -> str | None:
    """The API's way to write a time: seconds, UTC, Z."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_request_id() -> str:
    return f"req_{uuid.uuid4().hex[:12]}"


def json_response(payload: object, *, status: int = 200) -> SandboxResponse:
    body = json.dumps(payload).encode()
    return SandboxResponse(status, body, {"Content-Type": "application/json"})


def html_response(status: int, title: str) -> SandboxResponse:
    """A page from something before the API: no envelope and none of the API's headers."""
    body = (
        f"<html><head><title>{title}</title></head>\r\n<body><center><h1>{title}</h1></center>"
        "<hr><center>edge-proxy</center></body></html>\r\n"
    )
    return SandboxResponse(status, body.encode(), {"Content-Type": "text/html; charset=utf-8"})


def error_response(
    api_error: SandboxApiError,
    now: datetime,
    *,
    details: dict[str, object] | None = None,
    retry_after: int | None = None,
) -> SandboxResponse:
    """The documented error envelope; a wait of ``retry_after`` seconds goes into the header too."""
    details = dict(details or {})
    if retry_after is not None:
        details["retry_after"] = retry_after
    error = {
        "code": api_error.code,
        "message": api_error.message,
        "system_message": api_error.system_message,
        "type": api_error.type,
        "status": api_error.status,
        "trace_id": new_request_id(),
        "timestamp": format_timestamp(now),
        "details": details,
    }
    response = json_response({"success": False, "error": error}, status=api_error.status)
    return response.with_headers({} if retry_after is None else {"Retry-After": str(retry_after)})

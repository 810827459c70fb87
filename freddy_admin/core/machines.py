"""Answers for programs: JSON, errors included, each with one sentence in `detail`."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse

from freddy_admin.core.errors import PublicError

_BELOW = ("/api/", "/metrics")


def json_answer(value: Any, *, status: int = 200) -> HttpResponse:
    """The value as JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair, which came in as an escape, cannot go out as bytes.
    data = text.encode("utf-8", "replace")
    return HttpResponse(data, content_type="application/json", status=status)


def refusal(error: PublicError) -> HttpResponse:
    """What a service refused."""
    return headed(json_answer({"detail": error.message}, status=error.http_status), error)


def headed(answer: HttpResponse, error: PublicError) -> HttpResponse:
    """The answer with what a refusal says in its head, such as when to try again."""
    for name, value in error.headers.items():
        answer[name] = value
    return answer


def for_programs(request: HttpRequest) -> bool:
    """Whether a program asked, which cannot read a page."""
    return request.path_info.startswith(_BELOW)

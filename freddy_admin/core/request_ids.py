"""A short name for each request: in its answer, its log lines and what it writes down."""

import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-Id"
LONGEST = 64
_PLAIN = re.compile(rf"[A-Za-z0-9_-]{{8,{LONGEST}}}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The name of the request this is done for; empty outside one."""
    return _current.get()


class RequestIdMiddleware:
    """Gives each request its name. One from outside counts only where a proxy of ours set it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the name in the answer's head."""
        name = _from_proxy(request) or secrets.token_hex(6)
        _current.set(name)
        streaming = False
        try:
            answer = self.get_response(request)
            streaming = answer.streaming
            answer[HEADER] = name
            return answer
        finally:
            # What is streamed is still to be made: its name goes when all of it is out.
            if not streaming:
                _current.set("")


class RequestIdFilter(logging.Filter):
    """Adds the name to each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Nothing is held back."""
        record.request_id = _current.get()
        return True


def _from_proxy(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "") if settings.TRUSTED_PROXIES else ""
    return given if _PLAIN.fullmatch(given) else ""


def _forget(**_: object) -> None:
    _current.set("")


request_finished.connect(_forget, dispatch_uid="request_id")

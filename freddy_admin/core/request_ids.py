"""A short id for each request: in its response, its log lines and the rows it writes."""

import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse

REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID_MAX_LENGTH = 64
_VALID_REQUEST_ID = re.compile(rf"[A-Za-z0-9_-]{{8,{REQUEST_ID_MAX_LENGTH}}}", re.ASCII)
_current_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the current request; empty outside one."""
    return _current_request_id.get()


class RequestIdMiddleware:
    """Gives each request its id. One from outside counts only where a trusted proxy set it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, with the id in its header."""
        current_id = _request_id_from_proxy(request) or secrets.token_hex(6)
        _current_request_id.set(current_id)
        streaming = False
        try:
            response = self.get_response(request)
            streaming = response.streaming
            response[REQUEST_ID_HEADER] = current_id
            return response
        finally:
            # A streamed body is still to be made: its id is cleared when all of it is sent.
            if not streaming:
                _current_request_id.set("")


class RequestIdFilter(logging.Filter):
    """Adds the request's id to each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every record is logged."""
        record.request_id = _current_request_id.get()
        return True


def _request_id_from_proxy(request: HttpRequest) -> str:
    header = request.headers.get(REQUEST_ID_HEADER, "") if settings.TRUSTED_PROXIES else ""
    return header if _VALID_REQUEST_ID.fullmatch(header) else ""


def _clear_request_id(**_: object) -> None:
    _current_request_id.set("")


request_finished.connect(_clear_request_id, dispatch_uid="request_id")

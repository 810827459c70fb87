"""The id of the current request, which its log lines and audit events carry.

`web.middleware.RequestIdMiddleware` sets it; outside a request it is empty.
"""

import logging
from contextvars import ContextVar

current_request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdFilter(logging.Filter):
    """Adds the request's id to each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every record is logged."""
        record.request_id = current_request_id.get()
        return True

"""A log line is one line, whatever text it was given."""

import logging
import re
import time

# Line breaks and terminal escapes in any script: a forged line or colour must not get through.
_CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


class OneLineFormatter(logging.Formatter):
    """`time level logger message [request]`, with control characters written out as escapes.

    The time is UTC, as in the audit log.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; every further line of a traceback is marked as such."""
        text = super().format(record)
        first_line, *traceback = text.split("\n")
        return "\n".join(
            [first_line, *(f"    | {_escape_control_characters(line)}" for line in traceback)]
        )

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base's name
        """The line before a traceback, with the id of its request at its end."""
        request_id = getattr(record, "request_id", "")
        return _escape_control_characters(super().formatMessage(record)) + (
            f" [{request_id}]" if request_id else ""
        )


class LogThrottle:
    """Limits the log lines of a fault that lasts: the first time, then once in `interval` s."""

    def __init__(self, *, interval: float = 60.0) -> None:
        self._interval, self._next_at = interval, 0.0

    def is_log_line_due(self) -> bool:
        """Whether the caller is to write a line now."""
        now = time.monotonic()
        if now < self._next_at:
            return False
        self._next_at = now + self._interval
        return True

    def reset_log_interval(self) -> None:
        """The fault is over: its next occurrence is logged at once."""
        self._next_at = 0.0


def _escape_control_characters(text: str) -> str:
    text = redact_secret_paths(text)
    return _CONTROL_CHARACTERS.sub(
        lambda match: match.group().encode("unicode_escape").decode(), text
    )


# Secrets of invitations, of the first visit, of leaving mails, of links to a new password.
_SECRET_PATH_PATTERN = re.compile(
    r"(/(?:invitations|first-visit|unsubscribe)/)(?!\d+(?![^/\s]))[^/\s]+"
    r"|(/reset/key/[0-9A-Za-z]+-)(?!set-password(?![^/\s]))[^/\s]+"
)


def redact_secret_paths(text: str) -> str:
    """The text without the secrets of such paths; numbers of invitations stay."""
    return _SECRET_PATH_PATTERN.sub(lambda match: f"{match[1] or match[2]}…", text)

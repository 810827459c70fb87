"""A log line is one line, whatever text it was given."""

import logging
import re
import time

from freddy_admin.core.secret_paths import path_without_secret

# Line breaks and terminal escapes in any script: a forged line or colour must not get through.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


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
        """One line; of a traceback, every further line is marked as belonging to it."""
        text = super().format(record)
        head, *traceback = text.split("\n")
        return "\n".join([head, *(f"    | {_written_out(line)}" for line in traceback)])

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base's name
        """The line before a traceback; the request it belongs to is named at its end."""
        name = getattr(record, "request_id", "")
        return _written_out(super().formatMessage(record)) + (f" [{name}]" if name else "")


class Seldom:
    """Whether what goes on and on is worth another line: the first time, then once a minute."""

    def __init__(self, *, every: float = 60.0) -> None:
        self._every, self._again_at = every, 0.0

    def due(self) -> bool:
        """True where a line is to be written now; whoever asks writes it."""
        now = time.monotonic()
        if now < self._again_at:
            return False
        self._again_at = now + self._every
        return True

    def reset(self) -> None:
        """It is over: the next time is a first time."""
        self._again_at = 0.0


def _written_out(text: str) -> str:
    text = path_without_secret(text)
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)

"""A log line is one line, whatever text it was given."""

import logging
import re

# Line breaks and terminal escapes in any script: a forged line or colour must not get through.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OneLineFormatter(logging.Formatter):
    """`time level logger message`, with control characters written out as escapes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base's name
        """The message on one line; a traceback, which is ours, follows on lines of its own."""
        text = super().formatMessage(record)
        return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)

"""What the other side of a channel answered, and why a message was not sent."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.views.decorators.debug import sensitive_variables

from freddy_admin.core.network import HttpAnswer
from freddy_admin.core.outbox_kinds import NotSent
from freddy_admin.core.text_validation import is_refused_character

ANSWER_LIMIT: Final = 200
# An answer that repeats so much of a secret in a row is not kept.
_SECRET_PART_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """What the other side said: its HTTP or SMTP status, and a line of plain text."""

    status: int | None = None
    text: str = ""


class ChannelFailure(StrEnum):
    """Why a message was not sent, beside `TransportFailure`; the values are stored."""

    GONE = "gone"  # nobody is there any more: 404, 410, and what says the same
    REVOKED = "revoked"  # its token, key or signature is not valid any more
    SWITCHED_OFF = "switched_off"  # by its owner, at the other side
    REFUSED = "refused"  # another status from 400 to 499
    REDIRECTED = "redirected"
    BUSY = "busy"  # 429
    BROKEN = "broken"  # 5xx
    NOT_ALLOWED = "not_allowed"  # the address may not be called any more
    NO_ADDRESS = "no_address"
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105
    MASTER_KEY = "master_key"


# What a person has to do something about, at the other side or here: the channel is switched off.
PERMANENT_FAILURES: Final = frozenset(
    {ChannelFailure.GONE, ChannelFailure.REVOKED, ChannelFailure.SWITCHED_OFF}
)


class ChannelNotSent(NotSent):
    """A message that was not sent, or of which nobody knows.

    `answer` is what the other side said, None where it said nothing.
    """

    def __init__(
        self,
        reason: str,
        *,
        answer: ChannelAnswer | None = None,
        may_have_arrived: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(
            reason,
            is_permanent=reason in PERMANENT_FAILURES,
            retry_after=retry_after,
            may_have_arrived=may_have_arrived,
        )
        self.answer = answer


def answer_failure(answer: HttpAnswer) -> ChannelFailure | None:
    """Why an answer is none that took the message, judged by its status alone; None if it did."""
    if answer.is_success:
        return None
    if answer.status in {404, 410}:
        return ChannelFailure.GONE
    if answer.status == 429:
        return ChannelFailure.BUSY
    if answer.status >= 500:
        return ChannelFailure.BROKEN
    return ChannelFailure.REDIRECTED if answer.status < 400 else ChannelFailure.REFUSED


@sensitive_variables()
def answer_line(body: bytes, *, secrets: Iterable[str]) -> str:
    """The answer as one line of plain text, at most `ANSWER_LIMIT` characters.

    Empty where it repeats a part of one of these secrets: some servers say which address they do
    not know.
    """
    text = body[:4_096].decode("utf-8", "replace")
    text = "".join(" " if is_refused_character(character) else character for character in text)
    line = " ".join(text.split())
    if any(_is_repeated(_comparable(secret), _comparable(line)) for secret in secrets):
        return ""
    return line if len(line) <= ANSWER_LIMIT else f"{line[: ANSWER_LIMIT - 1]}…"


def answer_code(body: bytes, names: Collection[str] = ()) -> str:
    """The word that the body is, or the text at this path of names in its JSON; else ""."""
    text = body[:4_096].decode("utf-8", "replace").strip()
    if not names:
        return text if re.fullmatch(r"[a-z_]{2,60}", text) else ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


@sensitive_variables()
def _is_repeated(secret: str, line: str) -> bool:
    """Whether the line holds eight characters in a row of the secret, or all of a shorter one."""
    # What stands in front of the path is the host, which the panel itself shows.
    _scheme, separator, rest = secret.partition("://")
    path = rest.partition("/")[2] if separator else secret
    if len(path) < _SECRET_PART_LENGTH:
        return bool(path) and line == path
    starts = range(len(path) - _SECRET_PART_LENGTH + 1)
    return any(path[start : start + _SECRET_PART_LENGTH] in line for start in starts)


def _comparable(text: str) -> str:
    return text.replace("\\/", "/").casefold()

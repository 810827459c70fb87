"""What events hold, read with care: stored texts may be missing, or come from anybody.

What cannot be read is left out, never guessed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.audit.services import OPERATOR, WORKER, actor_name_without_address
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.status.types import CheckError
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Sentence,
    Text,
    say,
    say_counted,
)

WRITTEN_AHEAD: Final = say(_("Written while the clock was ahead."))


def actor_name(entry: TimelineEntry) -> Text:
    """The person's name; the worker is nobody. The audit log has the address, too."""
    if entry.actor_name == WORKER.name:
        return ""
    if entry.actor_name == OPERATOR.name:
        return _("The operator (command line)")
    return actor_name_without_address(entry.actor_name)


def parse_time(value: object) -> datetime | None:
    """A time as events keep it; None for anything else, and where no calendar can show it."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo is not None and 1 < at.year < 9999 else None


def parse_pair(details: Mapping[str, Any], name: str) -> tuple[Any, Any] | None:
    """What changed, from and to; None where that was not written down."""
    value = details.get(name)
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else None


def parse_int(value: object) -> int | None:
    """A whole number; None for anything else, also for yes and no."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def parse_text(value: object, limit: int = 300) -> str:
    """A text, no longer than is good for a line; anything else is none."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= limit else value[: limit - 1] + "…"


def cell(at: datetime) -> Moment:
    """A time within a list of events."""
    return Moment(at, MomentStyle.CLOCK_CELL)


def failure_reason(details: Mapping[str, Any]) -> Sentence:
    """Why a call failed, as a phrase; empty where no kind was written down."""
    kind, status = parse_text(details.get("kind")), parse_int(details.get("http"))
    if not kind:
        return EMPTY
    if kind == FailureKind.SERVER_ERROR and status is None:
        return say(_("Aitronos had an error of its own"))  # which one was not written down
    error = CheckError(
        kind=kind,
        code=parse_text(details.get("code")),
        http_status=status,
        message="",
        field="",
        detail="",
        trace_id="",
        request_id="",
    )
    return failure_wording(error).brief


# Here and elsewhere at the top of a module: to make a lazy plural costs a quarter of a millisecond.
_TOOL_COUNTS: Final = ngettext_lazy(
    "{enabled} of {total} tool on", "{enabled} of {total} tools on", "n"
)


def tool_counts(enabled: int, total: int) -> Sentence:
    """`7 of 42 tools on`, as a clause."""
    return say_counted(_TOOL_COUNTS, total, enabled=enabled, total=total)

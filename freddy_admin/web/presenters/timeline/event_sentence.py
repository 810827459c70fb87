"""The parts of event sentences; details may be missing, texts may come from anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.audit.services import OPERATOR, WORKER, actor_name_without_address
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.status.types import CheckError
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.headline import EMPTY_TEXT
from freddy_admin.web.presenters.state_pill import QUIET


@dataclass(frozen=True, slots=True)
class EventSentence:
    """A sentence, its icon and tone, and a note that may be empty."""

    words: SafeString
    icon: str
    tone: str = QUIET
    note: SafeString = EMPTY_TEXT


def event_actor_name(entry: TimelineEntry) -> str:
    """The person's name alone; the worker is nobody. The audit log has their address, too."""
    name = entry.actor_name
    if name == WORKER.name:
        return ""
    if name == OPERATOR.name:
        return _("The operator (command line)")
    return actor_name_without_address(name)


def parse_event_time(value: object) -> datetime | None:
    """A time as events keep it; None for anything else, and where no calendar can show it."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo is not None and 1 < at.year < 9999 else None


def old_new_pair(details: Mapping[str, Any], name: str) -> tuple[Any, Any] | None:
    """What changed, from and to; None where that was not written down."""
    value = details.get(name)
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else None


def parse_int(value: object) -> int | None:
    """A number; None for anything else, also for yes and no."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def truncate_text(value: object, limit: int = 300) -> str:
    """A text, no longer than is good for a line; anything else is none."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= limit else value[: limit - 1] + "…"


def call_failure_reason(details: Mapping[str, Any]) -> str:
    """Why a call failed, in a few words; empty where no kind was written down."""
    kind, status = truncate_text(details.get("kind")), parse_int(details.get("http"))
    if not kind:
        return ""
    if kind == FailureKind.SERVER_ERROR and status is None:
        return _("Aitronos had an error of its own")  # which one was not written down
    error = CheckError(
        kind=kind,
        code=truncate_text(details.get("code")),
        http_status=status,
        message="",
        field="",
        detail="",
        trace_id="",
        request_id="",
    )
    return failure_wording(error).brief


def tool_counts_text(enabled: int, total: int) -> str:
    """`7 of 42 tools on`."""
    words = {"on": f"{enabled:,}", "total": f"{total:,}"}
    return ngettext("%(on)s of %(total)s tool on", "%(on)s of %(total)s tools on", total) % words

"""What a sentence about the past is made of; details may be missing, texts may be anybody's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.audit.services import OPERATOR, WORKER, name_alone
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.rows import CheckError
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.states import QUIET
from freddy_admin.web.presenters.story import NONE


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, a second one that may be empty, and how it looks."""

    words: SafeString
    icon: str
    tone: str = QUIET
    note: SafeString = NONE


def who_did(entry: TimelineEntry) -> str:
    """The person's name alone; the worker is nobody. The audit log has their address, too."""
    name = entry.actor_name
    if name == WORKER.name:
        return ""
    if name == OPERATOR.name:
        return _("The operator (command line)")
    return name_alone(name)


def moment(value: object) -> datetime | None:
    """A time as events keep it; None for anything else, and where no calendar can show it."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo is not None and 1 < at.year < 9999 else None


def pair_of(details: Mapping[str, Any], name: str) -> tuple[Any, Any] | None:
    """What changed, from and to; None where that was not written down."""
    value = details.get(name)
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else None


def whole(value: object) -> int | None:
    """A number; None for anything else, also for yes and no."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object, most: int = 300) -> str:
    """A text, no longer than is good for a line; anything else is none."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= most else value[: most - 1] + "…"


def reason(details: Mapping[str, Any]) -> str:
    """Why a call failed, in a few words; empty where no kind was written down."""
    kind, status = text(details.get("kind")), whole(details.get("http"))
    if not kind:
        return ""
    if kind == FailureKind.SERVER_ERROR and status is None:
        return _("Aitronos had an error of its own")  # which one was not written down
    error = CheckError(
        kind=kind,
        code=text(details.get("code")),
        http_status=status,
        message="",
        field="",
        detail="",
        trace_id="",
        request_id="",
    )
    return failure(error).brief


def tools(enabled: int, total: int) -> str:
    """`7 of 42 tools on`."""
    words = {"on": f"{enabled:,}", "total": f"{total:,}"}
    return ngettext("%(on)s of %(total)s tool on", "%(on)s of %(total)s tools on", total) % words

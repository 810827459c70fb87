"""What our checks brought: checks in a row that brought the very same are one line."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.models import CheckRun, Outcome
from freddy_admin.web.presenters.story import say
from freddy_admin.web.presenters.timeline.said import reason, tools
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run; `note` holds what else the answers said."""

    start: SafeString
    end: SafeString
    count: str
    slowest: str
    brought: str
    note: SafeString | str


def run_rows(runs: Sequence[CheckRun], on: Reading) -> list[RunRow]:
    """The lines of the table, in the order given."""
    return [
        RunRow(
            start=on.stamp(run.first_at),
            end=on.stamp(run.last_at),
            count=f"{run.count:,}",
            slowest=_slowest(run.worst_ms),
            brought=_brought(run),
            note=_note(run, on),
        )
        for run in runs
    ]


def _slowest(ms: float | None) -> str:
    if ms is None:
        return "—"
    return _("%(n)s ms") % {"n": round(ms)} if ms < 1000 else _("%(n).1f s") % {"n": ms / 1000}


def _brought(run: CheckRun) -> str:
    if run.outcome != Outcome.GOOD:
        error = {"kind": run.error_kind, "code": run.error_code, "http": run.error_http_status}
        return reason(error) or _("Nothing")
    if run.enabled_tools is None or run.total_tools is None:
        return _("Figures")
    return tools(run.enabled_tools, run.total_tools)


def _note(run: CheckRun, on: Reading) -> SafeString | str:
    if run.outcome != Outcome.GOOD:
        return ""
    last = on.stamp(run.last_sync_at) if run.last_sync_at else _("never")
    after = on.stamp(run.next_sync_at) if run.next_sync_at else _("not named")
    return say(_("Last synced: {last}. Next sync: {after}."), last=last, after=after)

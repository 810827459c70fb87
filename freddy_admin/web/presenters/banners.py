"""What concerns everybody at once is said once, above everything else."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.sync.outage import Outage
from freddy_admin.sync.rows import Overview
from freddy_admin.sync.states import State
from freddy_admin.web.presenters.actions import is_platform_fault
from freddy_admin.web.presenters.states import BAD, WARN
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class Banner:
    """One sentence for everybody; `kind` changes when what it says does."""

    kind: str
    tone: str
    icon: str
    title: str
    words: SafeString


def banners(overview: Overview, on: Reading) -> list[Banner]:
    """The worst first; usually none."""
    found = []
    if overview.master_key_fault or any(is_platform_fault(row) for row in overview.rows):
        found.append(_misfit(overview))
    if overview.outage is not None:
        found.append(_outage(overview.outage))
    if worker_is_silent(overview):
        found.append(_silent(overview, on))
    return found


def worker_is_silent(overview: Overview) -> bool:
    """No sign of life of any worker for more than two check periods, although there is work."""
    limit = max(clock.passing(60), timedelta(seconds=2 * settings.STATUS_CHECK_SECONDS))
    seen = overview.worker_seen_at
    return overview.total > 0 and (seen is None or overview.now - seen > limit)


def _misfit(overview: Overview) -> Banner:
    every = _none_opens(overview)
    which = (
        _("No key can be opened, so nothing is checked; what you see is the last known state.")
        if every
        else _(
            "Keys that were sealed with the missing one cannot be opened and are not checked; "
            "they show as Unknown, with their last known state. Other keys are not affected."
        )
    )
    rest = _(
        "The keys are not lost and nobody needs to paste one again. The people who run this "
        "panel put the right master key back."
    )
    return Banner(
        kind="misfit_all" if every else "misfit_some",
        tone=BAD,
        icon="lock-x",
        title=_("The master key does not fit the database"),
        words=format_html("{} {}", which, rest),
    )


def _none_opens(overview: Overview) -> bool:
    """Whether nothing in view speaks against it: a key with any other verdict was opened."""
    shut = {State.UNKNOWN, State.NOT_CHECKED, State.PAUSED}
    checked = (row for row in overview.rows if row.checked_at and row.state is not State.PAUSED)
    return set(overview.all_counts) <= shut and all(map(is_platform_fault, checked))


def _outage(outage: Outage) -> Banner:
    reasons = {
        Outage.NO_CONNECTION: _("no connection to it comes about"),
        Outage.TIMED_OUT: _("it does not answer in time"),
        Outage.SERVER_ERROR: _("it answers with errors of its own"),
        Outage.FIREWALL: _("something on the way, most likely a firewall, turns us away"),
    }
    return Banner(
        kind=f"outage_{outage}",
        tone=WARN,
        icon="plug-connected-x",
        title=_("Aitronos cannot be reached"),
        words=format_html(
            _(
                "At least half of the keys tell the same: {reason}. What you see is the last known "
                "state. Nothing for you to do: we try again on our own."
            ),
            reason=reasons[outage],
        ),
    )


def _silent(overview: Overview, on: Reading) -> Banner:
    seen = overview.worker_seen_at
    words = (
        format_html(
            _("The worker was last seen {ago}. What you see is getting older by the minute."),
            ago=on.ago(seen),
        )
        if seen
        else SafeString(_("No worker has been seen yet, so nothing is checked."))  # nosec B703
    )
    checked = overview.checked_at
    title = (
        _("Statuses not refreshed since %(at)s") % {"at": on.clock(checked)}
        if checked
        else _("Statuses are not being refreshed")
    )
    return Banner(kind="silent", tone=WARN, icon="plug-connected-x", title=title, words=words)

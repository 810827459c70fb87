"""Banners of the overview: what concerns all keys is said once, above everything else."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.outage import Outage
from freddy_admin.sync.status.types import Overview
from freddy_admin.web.presenters.key_actions import is_master_key_failure
from freddy_admin.web.presenters.state_pill import BAD, WARN
from freddy_admin.web.presenters.user_time import UserTime


@dataclass(frozen=True, slots=True)
class Banner:
    """One sentence for everybody; `kind` changes when what it says does."""

    kind: str
    tone: str
    icon: str
    title: str
    words: SafeString


def overview_banners(overview: Overview, user_time: UserTime) -> list[Banner]:
    """The banners for one moment, the worst first; usually none."""
    banners = []
    if overview.master_key_fault or any(is_master_key_failure(row) for row in overview.rows):
        banners.append(_master_key_banner(overview))
    if overview.outage is not None:
        banners.append(_outage_banner(overview.outage))
    if is_worker_silent(overview):
        banners.append(_silent_worker_banner(overview, user_time))
    return banners


def is_worker_silent(overview: Overview) -> bool:
    """No sign of life of any worker for more than two check periods, although there is work."""
    limit = max(
        clock.real_seconds_to_panel_duration(60),
        timedelta(seconds=2 * settings.STATUS_CHECK_SECONDS),
    )
    heartbeat_at = overview.latest_worker_heartbeat_at
    return overview.total > 0 and (heartbeat_at is None or overview.now - heartbeat_at > limit)


def _master_key_banner(overview: Overview) -> Banner:
    is_for_all_keys = _no_key_opens(overview)
    affected_keys = (
        _("No key can be opened, so nothing is checked; what you see is the last known state.")
        if is_for_all_keys
        else _(
            "Keys that were sealed with the missing one cannot be opened and are not checked; "
            "they show as Unknown, with their last known state. Other keys are not affected."
        )
    )
    advice = _(
        "The keys are not lost and nobody needs to paste one again. The people who run this "
        "panel put the right master key back."
    )
    return Banner(
        kind="misfit_all" if is_for_all_keys else "misfit_some",
        tone=BAD,
        icon="lock-x",
        title=_("The master key does not fit the database"),
        words=format_html("{} {}", affected_keys, advice),
    )


def _no_key_opens(overview: Overview) -> bool:
    """Whether no key in view was opened: any other checked state means that one was."""
    unopened_states = {HealthState.UNKNOWN, HealthState.NOT_CHECKED, HealthState.PAUSED}
    checked_rows = (
        row for row in overview.rows if row.checked_at and row.state is not HealthState.PAUSED
    )
    return set(overview.all_counts) <= unopened_states and all(
        map(is_master_key_failure, checked_rows)
    )


def _outage_banner(outage: Outage) -> Banner:
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


def _silent_worker_banner(overview: Overview, user_time: UserTime) -> Banner:
    heartbeat_at = overview.latest_worker_heartbeat_at
    words = (
        format_html(
            _("The worker was last seen {ago}. What you see is getting older by the minute."),
            ago=user_time.render_ago(heartbeat_at),
        )
        if heartbeat_at
        else SafeString(_("No worker has been seen yet, so nothing is checked."))  # nosec B703
    )
    checked_at = overview.checked_at
    title = (
        _("Statuses not refreshed since %(at)s") % {"at": user_time.format_clock(checked_at)}
        if checked_at
        else _("Statuses are not being refreshed")
    )
    return Banner(kind="silent", tone=WARN, icon="plug-connected-x", title=title, words=words)

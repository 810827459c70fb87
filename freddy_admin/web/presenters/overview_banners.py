"""Banners of the overview: what concerns all keys is said once, above everything else."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.safestring import SafeString

from freddy_admin.core import clock
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.types import Overview
from freddy_admin.wording.failures import is_master_key_failure
from freddy_admin.wording.platform import (
    master_key_notice,
    outage_notice,
    silent_worker_notice,
)
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class Banner:
    """One notice for everybody; `kind` changes when what it says does."""

    kind: str
    tone: str
    icon: str
    title: str
    words: SafeString


def overview_banners(overview: Overview, user_time: UserTime) -> list[Banner]:
    """The banners for one moment, the worst first; usually none."""
    notices = []
    if overview.master_key_fault or any(is_master_key_failure(row) for row in overview.rows):
        notices.append(master_key_notice(is_for_all_keys=_no_key_opens(overview)))
    if overview.outage is not None:
        notices.append(outage_notice(overview.outage))
    if is_worker_silent(overview):
        notices.append(
            silent_worker_notice(overview.latest_worker_heartbeat_at, overview.checked_at)
        )
    return [
        Banner(
            kind=notice.kind,
            tone=notice.tone,
            icon=notice.icon,
            title=render_text(notice.title, user_time),
            words=render_html(notice.words, user_time),
        )
        for notice in notices
    ]


def is_worker_silent(overview: Overview) -> bool:
    """No sign of life of any worker for more than two check periods, although there is work."""
    limit = max(
        clock.real_seconds_to_panel_duration(60),
        timedelta(seconds=2 * settings.STATUS_CHECK_SECONDS),
    )
    heartbeat_at = overview.latest_worker_heartbeat_at
    return overview.total > 0 and (heartbeat_at is None or overview.now - heartbeat_at > limit)


def _no_key_opens(overview: Overview) -> bool:
    """Whether no key in view was opened: any other checked state means that one was."""
    unopened_states = {HealthState.UNKNOWN, HealthState.NOT_CHECKED, HealthState.PAUSED}
    checked_rows = (
        row for row in overview.rows if row.checked_at and row.state is not HealthState.PAUSED
    )
    return set(overview.all_counts) <= unopened_states and all(
        map(is_master_key_failure, checked_rows)
    )

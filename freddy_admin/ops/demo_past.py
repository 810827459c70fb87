"""The demo's past: a month of checks, lived through in seconds by a clock that is moved.

The recorder is the real one, and the figures are those that the imitation would have given at
each moment: only the calls are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from freddy_admin.aitronos.types import SyncStatus
from freddy_admin.sandbox.figures import Times, counts_at, incremental, times_at
from freddy_admin.sandbox.samples import SampleKey
from freddy_admin.sandbox.scenarios import ParsedKey, Scenario, parse_key
from freddy_admin.sync.history.telling import Telling, telling_store
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.outcomes import Checked, OwnFailure, Problem
from freddy_admin.sync.policy import Policy
from freddy_admin.sync.recording import record
from freddy_admin.vault.models import ApiKey

PAST_LENGTH: Final = timedelta(days=30)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Seldom enough for a month in seconds; the schedule looks a minute after a sync is due anyway.
SPANS: Final = Policy(fresh=MINUTE, period=HOUR, lease=MINUTE)

_REFUSED = {
    Scenario.REJECTED: Problem("key_refused", "INVALID_API_KEY", 401),
    Scenario.EXPIRED: Problem("key_refused", "API_KEY_EXPIRED", 401),
    Scenario.NOT_PERMITTED: Problem("key_not_permitted", "INSUFFICIENT_PERMISSIONS", 403),
}
_FAILED = {
    Scenario.FIREWALL: Problem("firewall", http_status=403),
    Scenario.HANGING: Problem("read_timeout"),
    Scenario.ERROR_HTML: Problem("server_error", http_status=500),
    Scenario.SPENDING_LIMIT: Problem("spending_limit", "RATE_LIMIT_EXCEEDED", 429),
}
_FELL_BEHIND = frozenset({Scenario.LATE, Scenario.OVERDUE, Scenario.SKIPPING})
_OUTAGE = Problem("server_error", "SERVICE_UNAVAILABLE", 503)
# Troubles that a key has at the end of its month began so long before that end.
_BEGAN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that befell everybody, and when, counted back from now."""

    begins: timedelta
    lasts: timedelta


WORKER_AWAY: Final = Trouble(begins=timedelta(days=11, hours=7), lasts=5 * HOUR)
API_DOWN: Final = Trouble(begins=timedelta(days=4, hours=2), lasts=2 * HOUR)


def past_live(keys: list[tuple[ApiKey, SampleKey]], *, now: datetime) -> None:
    """Let each of these keys, added a month ago, live through that month up to `now`."""
    with transaction.atomic():
        rows = KeySync.objects.in_bulk([key.pk for key, _ in keys])
        for key, sample in keys:
            parsed = parse_key(sample.secret)
            if parsed is not None and sample.checked:
                _live(rows[key.pk], key, sample, parsed, now)
        live = [rows[key.pk] for key, sample in keys if sample.checked]
        for row in live:
            row.next_check_at = min(row.next_check_at, now)
        names = [field.name for field in KeySync._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
        KeySync.objects.bulk_update(live, names, batch_size=20)


def _live(row: KeySync, key: ApiKey, sample: SampleKey, parsed: ParsedKey, now: datetime) -> None:
    telling = Telling()
    for number, at in enumerate(_moments(row, now)):
        problem = _problem(sample, parsed, at, now=now, number=number)
        figures = None if problem else _figures(parsed, at, now=now)
        outcome = _outcome(problem)
        elapsed = 80.0 + number % 90
        ended = Checked(key.pk, key.version, "", at, outcome, elapsed, figures, None, problem)
        record(row, key, ended, spans=SPANS, telling=telling)
    telling_store(telling)


def _moments(row: KeySync, now: datetime) -> Iterator[datetime]:
    """When the worker looked: by its own schedule, but for the night it was away."""
    at, away = row.next_check_at, now - WORKER_AWAY.begins
    while at < now:
        yield at
        at = max(row.next_check_at, at + MINUTE)
        if away <= at < away + WORKER_AWAY.lasts:
            at = away + WORKER_AWAY.lasts


def _problem(
    sample: SampleKey, parsed: ParsedKey, at: datetime, *, now: datetime, number: int
) -> Problem | None:
    down = now - API_DOWN.begins
    if down <= at < down + API_DOWN.lasts:
        return _OUTAGE
    if parsed.scenario is Scenario.FLAKY and number % 9 == 8:
        return Problem("server_error", http_status=502)
    if at < now - _BEGAN:
        return None
    if sample.damaged:
        return Problem(OwnFailure.KEY_UNREADABLE)
    return _REFUSED.get(parsed.scenario) or _FAILED.get(parsed.scenario)


def _outcome(problem: Problem | None) -> Outcome:
    if problem is None:
        return Outcome.GOOD
    refused = problem.kind in {"key_refused", "key_not_permitted"}
    return Outcome.REFUSED if refused else Outcome.FAILED


def _times(parsed: ParsedKey, at: datetime, now: datetime) -> Times:
    """A key that is behind today synced by its interval until its last sync came."""
    today = times_at(parsed, now)
    if parsed.scenario not in _FELL_BEHIND or today.last is None:
        return times_at(parsed, at)
    if at >= today.last:
        # The plan of a key that skips goes on moving.
        skips = parsed.scenario is Scenario.SKIPPING
        return replace(today, next=times_at(parsed, at).next) if skips else today
    every = today.hours * HOUR
    last = today.last - -(-(today.last - at) // every) * every
    return Times(last, last + every, today.hours)


def _figures(parsed: ParsedKey, at: datetime, *, now: datetime) -> SyncStatus:
    times, counts = _times(parsed, at, now), counts_at(parsed, at)
    return SyncStatus(
        total_tools=counts.total,
        enabled_tools=counts.enabled,
        last_sync_at=times.last,
        next_sync_at=times.next,
        sync_interval_hours=times.hours,
        incremental_sync_enabled=incremental(parsed),
    )

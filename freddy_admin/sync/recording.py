"""Writes the ends of checks down: many rows in one short transaction, each row whole or not."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import transaction

from freddy_admin.aitronos.types import SyncStatus
from freddy_admin.sync import health
from freddy_admin.sync.counting import checks_count
from freddy_admin.sync.history.noticing import (
    Note,
    Seen,
    figures_mark,
    mark_of,
    notes_on,
    rolling_mark,
)
from freddy_admin.sync.history.telling import (
    Telling,
    health_tell,
    run_advance,
    run_end,
    telling_store,
    unknown_tell,
)
from freddy_admin.sync.models import EventKind, KeySync, OrderState, Outcome
from freddy_admin.sync.observations import observations_forget
from freddy_admin.sync.outcomes import Checked, Problem
from freddy_admin.sync.policy import Policy, policy
from freddy_admin.sync.row_changes import (
    NO_PROBLEM,
    Before,
    facts_of,
    figures_record,
    outcome_record,
    start_afresh,
    verdict_record,
)
from freddy_admin.sync.row_writes import Drafts
from freddy_admin.sync.schedule import hold_until, next_check
from freddy_admin.vault.models import ApiKey, KeyStatus

# Of the key these are looked at, and never its sealed bytes.
_OF_THE_KEY = ("version", "status", "paused_at", "grace_minutes")


def checks_store(ended: Sequence[Checked]) -> list[KeySync]:
    """Store these ends and free their leases; returns the rows that were written.

    A result whose lease is no longer its own, or whose key was replaced, paused or revoked
    meanwhile, is thrown away; where nothing was sent, the key stays due.
    """
    spans = policy()
    by_key, telling, drafts = {one.key_id: one for one in ended}, Telling(), Drafts()
    with transaction.atomic():
        found = list(KeySync.objects.select_for_update().filter(pk__in=list(by_key)))
        # Only now, by a statement of its own: one that joins them and waits for a row whose key a
        # person is changing would show that row as it has become and the key as it was.
        keys = ApiKey.objects.only(*_OF_THE_KEY).in_bulk([row.pk for row in found])
        kept = [row for row in found if _still_ours(row, keys[row.pk], by_key[row.pk])]
        for row in kept:
            drafts.keep(row)
            record(row, keys[row.pk], by_key[row.pk], spans=spans, telling=telling)
        drafts.write()
        _release_lost(found, kept, by_key)
        telling_store(telling)
        checks_count(ended)
    observations_forget(rows=kept)
    return kept


def _still_ours(row: KeySync, key: ApiKey, ended: Checked) -> bool:
    same = row.lease_token == ended.token and key.version == ended.key_version
    return same and not ended.withheld and key.status == KeyStatus.ACTIVE and key.paused_at is None


def _release_lost(found: list[KeySync], kept: list[KeySync], by_key: dict[int, Checked]) -> None:
    lost = {row.pk for row in found} - {row.pk for row in kept}
    for pk in lost:
        mine = KeySync.objects.filter(pk=pk, lease_token=by_key[pk].token)
        mine.update(lease_token="", lease_until=None)


def record(row: KeySync, key: ApiKey, ended: Checked, *, spans: Policy, telling: Telling) -> None:
    """Bring `row` up to date with the end of one check, and tell what it changed; saves nothing."""
    if row.key_version != ended.key_version:
        history_break(row, telling=telling)
        start_afresh(row, version=ended.key_version)
    was, seen, now = Before.of(row), _seen(row), ended.finished_at
    problem = ended.problem or NO_PROBLEM
    mark = _mark_of(ended, problem, seen)
    goes_on = _run_record(row, ended, mark, telling, spans)
    outcome_record(row, ended, problem)
    if ended.figures is None:
        _tell_failure(row, mark, problem, now=now, telling=telling)
    else:
        # In a run there is nothing to tell: what is equal did not change, what rolls was told.
        notes = [] if goes_on else notes_on(seen, ended.figures, at=now)
        _tell_figures(row, ended.figures, notes, now=now, telling=telling)
        figures_record(row, ended)
    facts = facts_of(row, key, spans)
    verdict_record(row, facts, was, now=now)
    health_tell(telling, row, unknown_at=was.unknown_at, now=now)
    row.hold_until = hold_until(ended.problem, now=now)
    row.next_check_at = next_check(row, facts, now=now, policy=spans)
    row.requested_at, row.requested_by = None, ""
    row.lease_token, row.lease_until = "", None
    row.updated_at = now


def history_break(row: KeySync, *, telling: Telling, now: datetime | None = None) -> None:
    """What was going on ends here: the key is paused, resumed, replaced or revoked at `now`."""
    if now is not None:
        unknown_tell(telling, row, unknown_at=row.unknown_at, now=now)
    run_end(telling, row)
    row.figures_mark = row.figures_before = ""
    row.figures_count = 0


def _mark_of(ended: Checked, problem: Problem, seen: Seen | None) -> str:
    """What the check brought, in short: a run is of checks with the same mark."""
    if ended.figures is None:
        return mark_of(ended.outcome, problem.kind, problem.http_status, problem.code)
    rolling = rolling_mark(seen, ended.figures, at=ended.finished_at)
    return rolling or figures_mark(ended.figures)


def _run_record(row: KeySync, ended: Checked, mark: str, telling: Telling, spans: Policy) -> bool:
    """This check goes on with the run of identical ones (True), or ends it and begins another."""
    now, held = ended.finished_at, _held_until(row, spans)
    goes_on = row.run_mark == mark and now <= held
    if not goes_on:
        run_end(telling, row, until=None if now > held else now)
    run_advance(row, mark=mark, at=now, elapsed_ms=ended.elapsed_ms)
    return goes_on


def _tell_failure(
    row: KeySync, mark: str, problem: Problem, *, now: datetime, telling: Telling
) -> None:
    if not row.told_error:
        row.told_error = mark
        details = {"kind": problem.kind, "http": problem.http_status, "code": problem.code}
        telling.note(row, Note(EventKind.CHECK_FAILED, now, details), noticed_at=now)


def _held_until(row: KeySync, spans: Policy) -> datetime:
    """From when on a check is no neighbour of the latest one: nobody was there in between."""
    latest = row.checked_at
    if latest is None:
        return _NEVER
    if row.outcome != Outcome.GOOD:
        # What fails is looked at less and less often: that we waited as planned is no gap.
        latest = max(latest, min(row.next_check_at, latest + spans.horizon))
    return latest + health.stale_after(spans.period)


def _seen(row: KeySync) -> Seen | None:
    """The last good figures, where there are any."""
    if row.observed_at is None:
        return None
    figures = SyncStatus(
        total_tools=row.total_tools or 0,
        enabled_tools=row.enabled_tools or 0,
        last_sync_at=row.last_sync_at,
        next_sync_at=row.next_sync_at,
        sync_interval_hours=row.sync_interval_hours or 0,
        incremental_sync_enabled=bool(row.incremental_sync_enabled),
    )
    former = row.figures_are_former
    return Seen(figures, row.observed_at, former, row.told_sync_at, row.told_skip_at)


def _tell_figures(
    row: KeySync,
    figures: SyncStatus,
    notes: Sequence[Note],
    *,
    now: datetime,
    telling: Telling,
) -> None:
    for note in notes:
        synced = note.kind == EventKind.SYNC_SEEN
        sent = row.order_state != OrderState.QUEUED
        by = row.order_by if synced and sent and _passes_the_order(row, figures) else ""
        telling.note(row, note, noticed_at=now, actor=by)
        if note.kind == EventKind.SYNC_SKIPPED:
            row.told_skip_at = note.at
    last, moved = figures.last_sync_at, figures.last_sync_at != row.last_sync_at
    if last is None:
        return
    if row.told_sync_at is None or (moved and last > row.told_sync_at):
        # One that lies well ahead is not believed: the true ones before it are still to be told.
        row.told_sync_at = last if last <= now + health.CLOCK_TOLERANCE else now
    if moved and row.order_state in _ANSWERED and _passes_the_order(row, figures):
        telling.confirmed.append((row.pk, last))
        row.order_at, row.order_by, row.order_state = None, "", ""


def _passes_the_order(row: KeySync, figures: SyncStatus) -> bool:
    # The API names whole seconds: a sync that began in the second of the request is its sync.
    last = figures.last_sync_at
    return bool(last and row.order_at and last >= row.order_at.replace(microsecond=0))


_NEVER = datetime.min.replace(tzinfo=UTC)
_ANSWERED = frozenset({OrderState.DONE, OrderState.UNCLEAR})

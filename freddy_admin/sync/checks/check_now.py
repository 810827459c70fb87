"""Checks keys in this process at an operator's word, whatever the schedule says."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from freddy_admin.aitronos.client import ApiClients
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.api_client import api_clients
from freddy_admin.sync.checks.execution import check_perform
from freddy_admin.sync.checks.leases import (
    CheckLease,
    check_leases_acquire_for_keys,
    check_leases_release,
)
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.worker.pool import CallPool
from freddy_admin.vault.master_key_state import master_key_state
from freddy_admin.vault.models import KeyLifecycle

PARALLEL_CHECKS = 32
_POLL_SECONDS = 0.1
CheckPool = CallPool[CheckLease, CheckResult, SyncStatus]


@dataclass(frozen=True, slots=True)
class KeyCheckReport:
    """The result of `check_now` for one key."""

    organisation_name: str
    key_label: str
    environment: str
    key_id: int
    state: HealthState
    failure: str  # a kind of failure, "" where figures came
    was_attempted: bool  # False for a paused key: a person said not to call
    call_failure: CallFailure | None = None  # what Aitronos said with it

    @property
    def was_leased_elsewhere(self) -> bool:
        """Whether the key should have been checked and was not: another process held its lease."""
        return not self.was_attempted and self.failure == "busy_elsewhere"


def keys_check_now(
    *,
    organisation: Organisation | None = None,
    client: ApiClients | None = None,
    parallel: int = PARALLEL_CHECKS,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[KeyCheckReport, None, None]:
    """Check every active key (of one organisation); yields a report for each as it ends.

    Always makes a new call: ignores freshness, back-off and wait hints. A check of the same key
    that runs elsewhere is waited for first. Paused keys are reported and not called.
    """
    rows = {row.pk: row for row in _active_statuses(organisation=organisation)}
    for row in rows.values():
        if row.key.paused_at is not None:
            yield _build_report(row, state=HealthState.PAUSED, failure="")
    remaining_ids = {pk for pk, row in rows.items() if row.key.paused_at is None}
    master_key_state()  # brings the canaries: a misfit of the master key is no key's own fault
    pool: CheckPool = CallPool(
        client or api_clients(),
        parallel=parallel,
        perform=check_perform,
        store=check_results_record,
        release=check_leases_release,
    )
    max_wait_seconds = check_policy().lease / clock.real_seconds_to_panel_duration(
        1
    )  # in real seconds
    give_up_at = time.monotonic() + max_wait_seconds
    try:
        while remaining_ids or pool.running_count:
            leases = check_leases_acquire_for_keys(
                key_ids=sorted(remaining_ids),
                limit=pool.free_slots,
                now=clock.now(),
                policy=check_policy(),
            )
            pool.submit(leases)
            remaining_ids -= {lease.key_id for lease in leases}
            if leases or pool.running_count:
                # Progress: only keys that somebody else holds use up the waiting time.
                give_up_at = time.monotonic() + max_wait_seconds
            yield from _collect_reports(pool, rows)
            if not pool.running_count and remaining_ids:
                uncheckable_ids = remaining_ids - _filter_checkable_key_ids(remaining_ids)
                for pk in sorted(uncheckable_ids):
                    yield _build_report(
                        rows[pk], state=HealthState(rows[pk].state), failure="changed_meanwhile"
                    )
                remaining_ids -= uncheckable_ids
                if time.monotonic() > give_up_at:
                    break
                if remaining_ids:
                    sleep(_POLL_SECONDS)
    finally:
        pool.stop()
    for pk in sorted(remaining_ids):
        yield _build_report(rows[pk], state=HealthState(rows[pk].state), failure="busy_elsewhere")


def _collect_reports(pool: CheckPool, rows: dict[int, SyncStatus]) -> Iterator[KeyCheckReport]:
    results, stored_rows = pool.collect_and_store(wait=_POLL_SECONDS)
    states = {row.pk: HealthState(row.state) for row in stored_rows}
    for result in results:
        yield _report_from_result(rows[result.key_id], result, states.get(result.key_id))


def _report_from_result(
    row: SyncStatus, result: CheckResult, state: HealthState | None
) -> KeyCheckReport:
    failure = result.failure.kind if result.failure else ""
    if state is None:
        # Replaced, paused or revoked during the call: its result was thrown away.
        return _build_report(
            row, state=HealthState(row.state), failure="changed_meanwhile", was_attempted=True
        )
    report = _build_report(row, state=state, failure=failure, was_attempted=True)
    return replace(report, call_failure=result.failure)


def _filter_checkable_key_ids(key_ids: set[int]) -> set[int]:
    """Those of these keys that can still be checked: neither revoked, removed nor paused."""
    checkable = SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE, key__paused_at=None)
    return set(checkable.values_list("pk", flat=True)) & key_ids


def _build_report(
    row: SyncStatus, *, state: HealthState, failure: str, was_attempted: bool = False
) -> KeyCheckReport:
    return KeyCheckReport(
        organisation_name=row.key.organisation.name,
        key_label=row.key.label,
        environment=row.key.environment,
        key_id=row.pk,
        state=state,
        failure=failure,
        was_attempted=was_attempted,
    )


def _active_statuses(*, organisation: Organisation | None) -> QuerySet[SyncStatus]:
    """The rows of all active keys (of one organisation), each with its key and organisation."""
    rows = SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE)
    rows = rows.select_related("key", "key__organisation").order_by("pk")
    return rows.filter(organisation=organisation) if organisation else rows

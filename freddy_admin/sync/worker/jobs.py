"""The worker's pools: one for checks, and one for each kind of job that people wait for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.core import clock
from freddy_admin.sync.candidates.import_rows import (
    ImportRowLease,
    ImportRowResult,
    import_row_check,
    import_row_leases_acquire,
    import_row_leases_release,
    import_row_results_record,
    import_rows_promote,
)
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_leases_release,
    candidate_results_record,
)
from freddy_admin.sync.catalog.fetch_execution import (
    CatalogFetchClaim,
    CatalogFetchResult,
    catalog_fetch,
)
from freddy_admin.sync.catalog.fetch_leases import (
    catalog_fetches_claim,
    catalog_fetches_release,
    catalog_results_save,
)
from freddy_admin.sync.checks.execution import check_perform
from freddy_admin.sync.checks.leases import CheckLease, check_leases_release
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.operations.remote_call import (
    OperationClaim,
    OperationResult,
    operation_send,
    operations_claim,
)
from freddy_admin.sync.operations.results import (
    lost_operations_close,
    operation_claims_abandon,
    operation_results_save,
    queued_operations_expire,
)
from freddy_admin.sync.worker.pool import CallPool

PARALLEL_CHECKS = 64
PARALLEL_CANDIDATES = 8
PARALLEL_IMPORT_ROWS = 8
PARALLEL_CATALOG_FETCHES = 4
# A sync holds its slot for minutes: so many may run before others wait.
PARALLEL_OPERATIONS = 16

CheckPool = CallPool[CheckLease, CheckResult, SyncStatus]


def check_pool_create(client: AitronosClient, parallel: int) -> CheckPool:
    """The pool in which keys are checked."""
    return CallPool(
        client,
        parallel=parallel,
        # As many again as run: they begin within one call's time limit, not half of a lease.
        backlog=parallel,
        perform=check_perform,
        store=check_results_record,
        release=check_leases_release,
    )


class WorkerJobs:
    """Candidates, imports, operations and catalog fetches: each kind has threads of its own."""

    def __init__(self, client: AitronosClient) -> None:
        self._candidates: CallPool[CheckLease, CheckResult, int] = CallPool(
            client,
            parallel=PARALLEL_CANDIDATES,
            perform=check_perform,
            store=candidate_results_record,
            release=candidate_leases_release,
            name="candidate",
        )
        self._imports: CallPool[ImportRowLease, ImportRowResult, int] = CallPool(
            client,
            parallel=PARALLEL_IMPORT_ROWS,
            perform=import_row_check,
            store=import_row_results_record,
            release=import_row_leases_release,
            name="import",
        )
        # No backlog: an operation that is claimed is sent at once, or nobody knows whether it was.
        self._operations: CallPool[OperationClaim, OperationResult, int] = CallPool(
            client,
            parallel=PARALLEL_OPERATIONS,
            perform=operation_send,
            store=operation_results_save,
            release=_abandon_operations,
            name="order",
        )
        self._catalog: CallPool[CatalogFetchClaim, CatalogFetchResult, int] = CallPool(
            client,
            parallel=PARALLEL_CATALOG_FETCHES,
            perform=catalog_fetch,
            store=catalog_results_save,
            release=catalog_fetches_release,
            name="list",
        )

    @property
    def running_count(self) -> int:
        """How many jobs are under way."""
        return sum(pool.running_count for pool in self._pools)

    def submit(self, *, now: datetime) -> bool:
        """Submit the jobs that wait; returns whether there were any."""
        submitted = [
            self._candidates.submit(candidate_leases_acquire(limit=self._candidates.free_slots)),
            self._imports.submit(import_row_leases_acquire(limit=self._imports.free_slots)),
            import_rows_promote(),
            lost_operations_close(now=now),
            queued_operations_expire(now=now),
            self._operations.submit(operations_claim(limit=self._operations.free_slots, now=now)),
            self._catalog.submit(catalog_fetches_claim(limit=self._catalog.free_slots, now=now)),
        ]
        return any(submitted)

    def collect_and_store(self) -> int:
        """Store the results of jobs that have ended; returns how many."""
        return sum(len(pool.collect_and_store(wait=0)[0]) for pool in self._pools)

    def stop(self) -> None:
        """Release what was not sent, and mark the outcome of running operations as unclear."""
        for pool in self._pools:
            pool.stop()

    @property
    def _pools(self) -> tuple["CallPool[Any, Any, Any]", ...]:
        return self._candidates, self._imports, self._operations, self._catalog


def _abandon_operations(claims: Sequence[OperationClaim]) -> None:
    operation_claims_abandon(claims, now=clock.now())

"""The worker's pools and queues: scheduled checks, and each kind of work that people wait for.

Each kind has slots of its own, so that none holds up another: checks that people ask for never
take a slot of the scheduled ones. Within a kind, organisations get slots in turn.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from freddy_admin.aitronos.client import ApiClients
from freddy_admin.core import clock
from freddy_admin.core.tasks import Queue, QueueName
from freddy_admin.sync.candidates.import_rows import (
    ImportRowLease,
    ImportRowResult,
    import_row_check,
    import_row_leases_acquire,
    import_row_leases_release,
    import_row_results_record,
    import_rows_promote,
    import_rows_to_save,
    import_rows_waiting,
)
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_leases_release,
    candidate_results_record,
    candidates_waiting,
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
    catalogs_requested,
)
from freddy_admin.sync.checks.execution import check_perform
from freddy_admin.sync.checks.leases import (
    CheckLease,
    check_leases_acquire,
    check_leases_release,
    due_statuses,
    requested_check_leases_acquire,
    requested_statuses,
)
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.operations.remote_call import (
    OperationClaim,
    OperationResult,
    operation_send,
    operations_claim,
    operations_queued,
)
from freddy_admin.sync.operations.results import (
    operation_claims_abandon,
    operation_results_save,
)
from freddy_admin.sync.worker.pool import CallPool

PARALLEL_CHECKS = 64
PARALLEL_CHECK_REQUESTS = 16
PARALLEL_CANDIDATES = 8
PARALLEL_IMPORT_ROWS = 8
PARALLEL_CATALOG_FETCHES = 4
# A sync holds its slot for minutes: so many may run before others wait.
PARALLEL_OPERATIONS = 16

CheckPool = CallPool[CheckLease, CheckResult, SyncStatus]
AnyPool = CallPool[Any, Any, Any]
Claim = Callable[..., Sequence[Any]]


class WorkerJobs:
    """The pools of one worker, of which each is filled from a queue of its own."""

    def __init__(self, clients: ApiClients, parallel: int) -> None:
        self.checks_done = 0
        # The backlog begins within one call's time. One organisation alone has `parallel` slots.
        reserve = _reserve(parallel)
        self._checks = _check_pool_create(
            clients, parallel=parallel + reserve, backlog=parallel + reserve, reserve=reserve
        )
        request_slots = min(parallel, PARALLEL_CHECK_REQUESTS)
        self._check_requests = _check_pool_create(
            clients, parallel=request_slots, reserve=_reserve(request_slots), name="request"
        )
        self._candidates: CallPool[CheckLease, CheckResult, int] = CallPool(
            clients,
            parallel=PARALLEL_CANDIDATES,
            reserve=_reserve(PARALLEL_CANDIDATES),
            columns=["key__organisation_id"],
            perform=check_perform,
            store=candidate_results_record,
            release=candidate_leases_release,
            name="candidate",
        )
        # Who pastes keys of many organisations is one party, and so is one of whom many paste.
        self._import_rows: CallPool[ImportRowLease, ImportRowResult, int] = CallPool(
            clients,
            parallel=PARALLEL_IMPORT_ROWS,
            reserve=_reserve(PARALLEL_IMPORT_ROWS),
            columns=["draft__person_id", "organisation_id"],
            perform=import_row_check,
            store=import_row_results_record,
            release=import_row_leases_release,
            name="import",
        )
        # No backlog: an operation that is claimed is sent at once, or nobody knows whether it was.
        self._operations: CallPool[OperationClaim, OperationResult, int] = CallPool(
            clients,
            parallel=PARALLEL_OPERATIONS,
            reserve=_reserve(PARALLEL_OPERATIONS),
            columns=["organisation_id", "requested_by_id"],
            perform=operation_send,
            store=operation_results_save,
            release=_abandon_operations,
            name="order",
        )
        self._catalogs: CallPool[CatalogFetchClaim, CatalogFetchResult, int] = CallPool(
            clients,
            parallel=PARALLEL_CATALOG_FETCHES,
            reserve=_reserve(PARALLEL_CATALOG_FETCHES),
            columns=["organisation_id"],
            perform=catalog_fetch,
            store=catalog_results_save,
            release=catalog_fetches_release,
            name="list",
        )

    @property
    def _people_pools(self) -> tuple[AnyPool, ...]:
        requests: tuple[AnyPool, ...] = (self._check_requests, self._candidates, self._import_rows)
        return (*requests, self._operations, self._catalogs)

    @property
    def running_count(self) -> int:
        """How many calls are under way."""
        return self.running_check_count + sum(pool.running_count for pool in self._people_pools)

    @property
    def running_check_count(self) -> int:
        """How many scheduled checks are under way."""
        return self._checks.running_count

    def queues(self) -> Iterator[Queue]:
        """The queue of each pool, and of confirmed imports; what people wait for comes first.

        With AITRONOS_CALLS=off nothing is claimed that would be sent.
        """
        yield Queue(QueueName.IMPORT_SAVING, import_rows_to_save, import_rows_promote)
        if settings.AITRONOS_CALLS:
            yield from self._call_queues()

    def _call_queues(self) -> Iterator[Queue]:
        yield _pool_queue(
            QueueName.CHECK_REQUESTS,
            self._check_requests,
            requested_statuses,
            _with_policy(requested_check_leases_acquire),
        )
        yield _pool_queue(
            QueueName.CANDIDATES, self._candidates, candidates_waiting, candidate_leases_acquire
        )
        yield _pool_queue(
            QueueName.IMPORT_ROWS, self._import_rows, import_rows_waiting, import_row_leases_acquire
        )
        yield _pool_queue(
            QueueName.OPERATIONS, self._operations, operations_queued, _with_now(operations_claim)
        )
        yield _pool_queue(
            QueueName.CATALOGS, self._catalogs, catalogs_requested, _with_now(catalog_fetches_claim)
        )
        yield _pool_queue(
            QueueName.CHECKS, self._checks, due_statuses, _with_policy(check_leases_acquire)
        )

    def collect_and_store(self, *, wait: float) -> int:
        """Store what has ended, waiting up to `wait` seconds for a check; returns how many."""
        request_results, _rows = self._check_requests.collect_and_store(wait=0)
        other_count = sum(
            len(pool.collect_and_store(wait=0)[0])
            for pool in self._people_pools
            if pool is not self._check_requests
        )
        # While a person waits for an outcome, look often.
        is_awaited = any(pool.running_count for pool in self._people_pools)
        results, _rows = self._checks.collect_and_store(wait=min(wait, 0.1) if is_awaited else wait)
        check_count = len(request_results) + len(results)
        self.checks_done += check_count
        return check_count + other_count

    def interrupt(self) -> None:
        """Have a `collect_and_store` that waits return soon; to be called from another thread."""
        self._checks.interrupt()

    def stop(self) -> None:
        """Release what was not sent, and mark the outcome of running operations as unclear."""
        for pool in (*self._people_pools, self._checks):
            pool.stop()


def _check_pool_create(clients: ApiClients, **options: Any) -> CheckPool:
    return CallPool(
        clients,
        columns=["organisation_id"],
        perform=check_perform,
        store=check_results_record,
        release=check_leases_release,
        **options,
    )


def _reserve(parallel: int) -> int:
    """How many slots one organisation or person never holds: an eighth, but of one slot none."""
    return max(1, parallel // 8) if parallel > 1 else 0


def _pool_queue(
    name: QueueName, pool: AnyPool, due: Callable[[Any], QuerySet[Any]], claim: Claim
) -> Queue:
    def drain() -> bool:
        free_slots = pool.free_slots
        claimed_count = pool.submit(claim(limit=free_slots, shares=pool.shares))
        # Few of many slots: what was due is claimed, and the next look finds what will be. Batches
        # stay large so, and a batch of one key costs nearly what one of twenty does.
        return claimed_count * 4 >= free_slots

    return Queue(name, due, drain)


def _with_now(claim: Claim) -> Claim:
    return lambda **options: claim(now=clock.now(), **options)


def _with_policy(claim: Claim) -> Claim:
    return lambda **options: claim(now=clock.now(), policy=check_policy(), **options)


def _abandon_operations(claims: Sequence[OperationClaim]) -> None:
    operation_claims_abandon(claims, now=clock.now())

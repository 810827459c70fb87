"""Many calls side by side: threads make them, the caller's thread reads and writes the database."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import connections

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.core.leases import Lease

STORE_BATCH_SIZE = 100
# Results wait for so long before they are stored: one transaction for many.
BATCH_WAIT_SECONDS = 0.2


LeaseT = TypeVar("LeaseT", bound=Lease)
ResultT = TypeVar("ResultT")
StoredT = TypeVar("StoredT")


class CallPool(Generic[LeaseT, ResultT, StoredT]):
    """Runs up to `parallel` calls at a time; the caller submits leases and collects results.

    The threads write nothing, and hold no connection to the database: a call that reads it before
    it sends opens one for that alone. `store` saves results in the caller's thread, in batches. A
    slow key costs one slot, and never more than the client's total limit. `backlog` more may be
    submitted than run, so that no thread waits while results are stored. `release` gives leases
    back whose calls were not made.
    """

    def __init__(  # noqa: PLR0913  its dependencies, all by name
        self,
        client: AitronosClient,
        *,
        parallel: int,
        backlog: int = 0,
        perform: Callable[[AitronosClient, LeaseT], ResultT],
        store: Callable[[Sequence[ResultT]], list[StoredT]],
        release: Callable[[Sequence[LeaseT]], None],
        name: str = "check",
    ) -> None:
        self._client, self._perform = client, perform
        self._store, self._release = store, release
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix=name)
        self._results: queue.SimpleQueue[tuple[LeaseT, ResultT]] = queue.SimpleQueue()
        self._running: dict[tuple[int, str], LeaseT] = {}
        self._capacity = parallel + backlog
        # A quarter of the keys that are ready is left to begin with while results are stored.
        self._batch_size = min(STORE_BATCH_SIZE, backlog * 3 // 4 or STORE_BATCH_SIZE)
        self._missing_results, self._batch_ready = 0, threading.Event()

    @property
    def free_slots(self) -> int:
        """How many more leases can be submitted now."""
        return self._capacity - len(self._running)

    @property
    def running_count(self) -> int:
        """How many leases were submitted and whose results have not been collected yet."""
        return len(self._running)

    def submit(self, leases: Sequence[LeaseT]) -> int:
        """Start a call for each lease; returns how many there are."""
        for lease in leases:
            self._running[lease.row_id, lease.token] = lease
            self._threads.submit(self._run_call, lease)
        return len(leases)

    def collect_and_store(self, *, wait: float) -> tuple[list[ResultT], list[StoredT]]:
        """Store what has ended, waiting up to `wait` seconds for the first.

        Returns the results and what `store` made of them. An error of the database comes through;
        the results are then lost, their leases run out and the calls are made again.
        """
        ended_calls = self._take_results(wait)
        for lease, _result in ended_calls:
            self._running.pop((lease.row_id, lease.token), None)
        results = [result for _lease, result in ended_calls]
        return results, self._store(results) if results else []

    def stop(self) -> None:
        """Take no more; `release` those whose calls have not ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        unfinished, self._running = list(self._running.values()), {}
        if unfinished:
            self._release(unfinished)

    def _run_call(self, lease: LeaseT) -> None:
        try:
            result = self._perform(self._client, lease)
        finally:
            connections.close_all()
        self._results.put((lease, result))
        if self._results.qsize() >= self._missing_results:
            self._batch_ready.set()

    def _take_results(self, wait: float) -> list[tuple[LeaseT, ResultT]]:
        results: list[tuple[LeaseT, ResultT]] = []
        try:
            results.append(
                self._results.get(timeout=wait) if wait > 0 else self._results.get_nowait()
            )
            if wait > 0:
                self._wait_for_batch()
            while len(results) < STORE_BATCH_SIZE:
                results.append(self._results.get_nowait())
        except queue.Empty:
            pass
        return results

    def _wait_for_batch(self) -> None:
        """Wait for more results, woken once for all: each waking takes time from the calls."""
        self._missing_results = min(self._batch_size, len(self._running)) - 1
        self._batch_ready.clear()
        if self._results.qsize() < self._missing_results:
            self._batch_ready.wait(BATCH_WAIT_SECONDS)

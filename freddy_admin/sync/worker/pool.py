"""Many calls side by side: threads make them, the caller's thread reads and writes the database."""

import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import connections

from freddy_admin.aitronos.client import ApiClients
from freddy_admin.core.fair_shares import Parties, Party, Shares, largest_count
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

    The slots are shared fairly among the parties of `columns`: acquire leases with `shares`. Of
    those submitted, a thread begins one of whom the fewest run; `reserve` slots are never held by
    one party alone, however little the others have to do.
    """

    def __init__(  # noqa: PLR0913  its dependencies, all by name
        self,
        clients: ApiClients,
        *,
        parallel: int,
        backlog: int = 0,
        reserve: int = 0,
        columns: Sequence[str] = (),
        perform: Callable[[ApiClients, LeaseT], ResultT],
        store: Callable[[Sequence[ResultT]], list[StoredT]],
        release: Callable[[Sequence[LeaseT]], None],
        name: str = "check",
    ) -> None:
        self._clients, self._perform = clients, perform
        self._store, self._release = store, release
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix=name)
        self._results: queue.SimpleQueue[tuple[LeaseT, ResultT] | None] = queue.SimpleQueue()
        self._submitted: dict[tuple[int, str], LeaseT] = {}
        self._parallel, self._capacity = parallel, parallel + backlog
        self.shares = Shares(*columns, limit=self._capacity - reserve)
        self._running_limit = parallel - reserve
        self._begin_lock = threading.Lock()
        self._waiting: dict[Parties, deque[LeaseT]] = {}
        self._running: Counter[Party] = Counter()
        self._busy_threads = 0  # they make calls as long as one may begin
        # A quarter of the keys that are ready is left to begin with while results are stored.
        self._batch_size = min(STORE_BATCH_SIZE, backlog * 3 // 4 or STORE_BATCH_SIZE)
        self._missing_results, self._batch_ready = 0, threading.Event()

    @property
    def free_slots(self) -> int:
        """How many more leases can be submitted now."""
        return self._capacity - len(self._submitted)

    @property
    def running_count(self) -> int:
        """How many leases were submitted and whose results have not been collected yet."""
        return len(self._submitted)

    @property
    def finished_count(self) -> int:
        """How many calls have ended whose results have not been collected yet."""
        return self._results.qsize()

    def submit(self, leases: Sequence[LeaseT]) -> int:
        """Make a call for each lease, in fair order; returns how many there are."""
        for lease in leases:
            self._submitted[lease.row_id, lease.token] = lease
            self.shares.hold(lease.parties)
        with self._begin_lock:
            for lease in leases:
                self._waiting.setdefault(lease.parties, deque()).append(lease)
            idle_threads = min(len(leases), self._parallel - self._busy_threads)
            self._busy_threads += idle_threads
        for _ in range(idle_threads):
            self._threads.submit(self._run_calls)
        return len(leases)

    def collect_and_store(self, *, wait: float) -> tuple[list[ResultT], list[StoredT]]:
        """Store what has ended, waiting up to `wait` seconds for the first.

        Returns the results and what `store` made of them. An error of the database comes through;
        the results are then lost, their leases run out and the calls are made again.
        """
        ended_calls = self._take_results(wait)
        for lease, _result in ended_calls:
            if self._submitted.pop((lease.row_id, lease.token), None) is not None:
                self.shares.release(lease.parties)
        results = [result for _lease, result in ended_calls]
        return results, self._store(results) if results else []

    def interrupt(self) -> None:
        """Have a `collect_and_store` that waits return soon; to be called from another thread."""
        self._results.put(None)
        self._batch_ready.set()

    def stop(self) -> None:
        """Take no more; `release` those whose calls have not ended."""
        with self._begin_lock:
            self._waiting.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
        unfinished, self._submitted = list(self._submitted.values()), {}
        if unfinished:
            self._release(unfinished)

    def _run_calls(self) -> None:
        """Make calls as long as one may begin; an end may let one begin that had to wait."""
        while (lease := self._begin_next()) is not None:
            try:
                result = self._perform(self._clients, lease)
            except BaseException:
                with self._begin_lock:
                    self._busy_threads -= 1
                raise
            finally:
                connections.close_all()
                with self._begin_lock:
                    self._running.subtract(lease.parties)
            self._results.put((lease, result))
            if self.finished_count >= self._missing_results:
                self._batch_ready.set()

    def _begin_next(self) -> LeaseT | None:
        """The lease whose call begins now: of whom the fewest run.

        None where none may begin: then this thread is free.
        """
        with self._begin_lock:
            fewest, chosen = self._running_limit, None
            for parties in self._waiting:
                count = largest_count(self._running, parties)
                if count < fewest:
                    fewest, chosen = count, parties
                if not count:
                    break
            if chosen is None:
                self._busy_threads -= 1
                return None
            leases = self._waiting[chosen]
            lease = leases.popleft()
            if not leases:
                del self._waiting[chosen]
            self._running.update(chosen)
            return lease

    def _take_results(self, wait: float) -> list[tuple[LeaseT, ResultT]]:
        results: list[tuple[LeaseT, ResultT] | None] = []
        try:
            results.append(
                self._results.get(timeout=wait) if wait > 0 else self._results.get_nowait()
            )
            if wait > 0 and results != [None]:
                self._wait_for_batch()
            while len(results) < STORE_BATCH_SIZE:
                results.append(self._results.get_nowait())
        except queue.Empty:
            pass
        return [result for result in results if result is not None]

    def _wait_for_batch(self) -> None:
        """Wait for more results, woken once for all: each waking takes time from the calls."""
        self._missing_results = min(self._batch_size, len(self._submitted)) - 1
        self._batch_ready.clear()
        if self.finished_count < self._missing_results:
            self._batch_ready.wait(BATCH_WAIT_SECONDS)

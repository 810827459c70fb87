"""Many calls side by side: threads make them, the caller's thread reads and writes the database."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from django.db import connections

from freddy_admin.aitronos.client import AitronosClient

STORE_AT_ONCE = 100
# Ends gather for so long before they are stored: one transaction for many instead of one each.
GATHER_SECONDS = 0.2


class Leased(Protocol):
    """What a claim and its end have in common: the key, and the lease the call runs under."""

    @property
    def key_id(self) -> int:
        """Whose call it is."""

    @property
    def token(self) -> str:
        """Of the lease."""


Claimed = TypeVar("Claimed", bound=Leased)
Ended = TypeVar("Ended", bound=Leased)
Stored = TypeVar("Stored")


class CallPool(Generic[Claimed, Ended, Stored]):
    """Runs up to `parallel` calls at a time; the caller submits claims and collects ends.

    The threads write nothing, and hold no connection to the database: what looks into it before
    it sends has one for that alone. `store` writes ends down in the caller's thread, in batches.
    A slow key costs one slot, and never more than the client's total limit. `backlog` more may
    be taken than run, so that no thread waits while ends are stored. `release` gives keys back
    that were taken and not asked.
    """

    def __init__(  # noqa: PLR0913  its surroundings, all by name
        self,
        client: AitronosClient,
        *,
        parallel: int,
        backlog: int = 0,
        perform: Callable[[AitronosClient, Claimed], Ended],
        store: Callable[[Sequence[Ended]], list[Stored]],
        release: Callable[[Sequence[Claimed]], None],
        name: str = "check",
    ) -> None:
        self._client, self._perform = client, perform
        self._store, self._release = store, release
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix=name)
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._running: dict[tuple[int, str], Claimed] = {}
        self._room = parallel + backlog
        # A quarter of the keys that are ready is left to begin with while ends are stored.
        self._together = min(STORE_AT_ONCE, backlog * 3 // 4 or STORE_AT_ONCE)
        self._missing, self._enough = 0, threading.Event()

    @property
    def free(self) -> int:
        """How many more claims can be taken now."""
        return self._room - len(self._running)

    @property
    def running(self) -> int:
        """How many claims were taken and have not been collected yet."""
        return len(self._running)

    def submit(self, claims: Sequence[Claimed]) -> int:
        """Start a call for each claim; how many there are."""
        for claim in claims:
            self._running[claim.key_id, claim.token] = claim
            self._threads.submit(self._run, claim)
        return len(claims)

    def collect(self, *, wait: float) -> tuple[list[Ended], list[Stored]]:
        """Store what has ended, waiting up to `wait` seconds for the first.

        Returns the ends and what `store` made of them. An error of the database comes through;
        the ends are then lost, their leases run out and the keys are asked again.
        """
        ended = self._drain(wait)
        for one in ended:
            self._running.pop((one.key_id, one.token), None)
        return ended, self._store(ended) if ended else []

    def stop(self) -> None:
        """Take no more; `release` those whose calls have not ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        left, self._running = list(self._running.values()), {}
        if left:
            self._release(left)

    def _run(self, claim: Claimed) -> None:
        try:
            ended = self._perform(self._client, claim)
        finally:
            connections.close_all()
        self._ended.put(ended)
        if self._ended.qsize() >= self._missing:
            self._enough.set()

    def _drain(self, wait: float) -> list[Ended]:
        ended: list[Ended] = []
        try:
            ended.append(self._ended.get(timeout=wait) if wait > 0 else self._ended.get_nowait())
            if wait > 0:
                self._gather()
            while len(ended) < STORE_AT_ONCE:
                ended.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        return ended

    def _gather(self) -> None:
        """Wait for more ends, woken once for all of them: each waking costs a call's threads."""
        self._missing = min(self._together, len(self._running)) - 1
        self._enough.clear()
        if self._ended.qsize() < self._missing:
            self._enough.wait(GATHER_SECONDS)

"""The worker's heart: one `tick` after the other takes what is due and stores what has ended.

A tick never waits for the API: calls run in threads, and a slow key holds one slot alone.
"""

import os
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.core import clock
from freddy_admin.sync.api import api_client
from freddy_admin.sync.candidates import (
    candidate_claims_release,
    candidate_claims_take,
    candidates_store,
)
from freddy_admin.sync.leases import claims_release, claims_take
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.platform import ApiAnswer, api_health_ask, api_health_store, beat_store
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.rounds import CheckPool
from freddy_admin.vault.master_keys import MasterKeyFit, master_key_state

PARALLEL = 64
CANDIDATES_AT_ONCE = 8
BEAT_EVERY = timedelta(seconds=5)
HEALTH_EVERY = timedelta(seconds=60)


@dataclass
class Engine:
    """One worker process. Call `tick` until told to end, then `stop`."""

    client: AitronosClient = field(default_factory=api_client)
    parallel: int = PARALLEL
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")

    def __post_init__(self) -> None:
        self.started_at = clock.now()
        self.checks_done = 0
        self._checks: CheckPool[KeySync] = CheckPool(
            self.client,
            parallel=self.parallel,
            backlog=self.parallel // 2,
            store=checks_store,
            release=claims_release,
        )
        self._candidates: CheckPool[int] = CheckPool(
            self.client,
            parallel=CANDIDATES_AT_ONCE,
            store=candidates_store,
            release=candidate_claims_release,
        )
        self._prober = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._probe: Future[ApiAnswer] | None = None
        self._beat_at: datetime | None = None
        self._probed_at: datetime | None = None

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return bool(self._checks.running or self._candidates.running)

    def tick(self, *, wait: float) -> int:
        """Take what is due, store what has ended; waits at most `wait` seconds. Ends stored."""
        now, spans = clock.now(), policy()
        master_key_state()
        self._candidates.submit(candidate_claims_take(limit=self._candidates.free, now=now))
        self._checks.submit(claims_take(limit=self._checks.free, now=now, policy=spans))
        self._look_after_platform(now)
        tested, _ = self._candidates.collect(wait=0)
        # With candidates under way, look often: a person waits for the outcome.
        ended, _ = self._checks.collect(wait=min(wait, 0.1) if self._candidates.running else wait)
        self.checks_done += len(ended)
        return len(ended) + len(tested)

    def drain(self, *, wait: float) -> int:
        """Store what has ended without taking anything new, on the way to an orderly stop."""
        tested, _ = self._candidates.collect(wait=0)
        ended, _ = self._checks.collect(wait=wait)
        self.checks_done += len(ended)
        return len(ended) + len(tested)

    def stop(self) -> None:
        """Give back what has not ended and let the threads go."""
        self._prober.shutdown(wait=False, cancel_futures=True)
        self._candidates.stop()
        self._checks.stop()

    def _look_after_platform(self, now: datetime) -> None:
        if self._probe is not None and self._probe.done():
            api_health_store(answer=self._probe.result())
            self._probe = None
        if self._probe is None and _past(self._probed_at, HEALTH_EVERY, now):
            self._probed_at = now
            self._probe = self._prober.submit(api_health_ask, self.client)
        if _past(self._beat_at, BEAT_EVERY, now):
            self._beat_at = now
            self.beat(now=now)

    def beat(self, *, now: datetime) -> None:
        """Leave a sign of life."""
        state = master_key_state()
        beat_store(
            name=self.name,
            values={
                "version": settings.VERSION,
                "started_at": self.started_at,
                "beat_at": now,
                "checks_done": self.checks_done,
                "can_open_keys": state.fit is not MasterKeyFit.NO_PRIVATE_KEY,
                "master_key_state": state.fit.value,
            },
        )


def _past(before: datetime | None, span: timedelta, now: datetime) -> bool:
    return before is None or abs(now - before) >= span

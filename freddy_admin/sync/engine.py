"""The worker's heart: one `tick` after the other takes what is due and stores what has ended.

A tick never waits for the API: calls run in threads, and a slow key holds one slot alone.
"""

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from freddy_admin.accounts.sessions import sessions_prune
from freddy_admin.accounts.signing_in.resets import resets_prune
from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.rounds import audit_round
from freddy_admin.core import clock
from freddy_admin.core.sqlite_wal import wal_empty
from freddy_admin.crypto.keyring import keyring
from freddy_admin.organisations.invitations import invitations_prune
from freddy_admin.sync.api import api_client
from freddy_admin.sync.candidates import candidates_forget
from freddy_admin.sync.clocks import clocks_look
from freddy_admin.sync.history.retention import history_prune
from freddy_admin.sync.leases import claims_take
from freddy_admin.sync.platform import (
    ApiAnswer,
    api_health_ask,
    api_health_store,
    beat_store,
    beats_forget,
)
from freddy_admin.sync.policy import policy
from freddy_admin.sync.work import PARALLEL, Errands, checks_pool
from freddy_admin.vault.canaries import canaries_try
from freddy_admin.vault.master_keys import master_key_state
from freddy_admin.vault.services.import_tests import import_drafts_expire

BEAT_EVERY = 5.0
HEALTH_EVERY = 60.0
PRUNE_EVERY = 60.0
LOG_EVERY = 60.0
CLOCKS_EVERY = 60.0
CANARY_EVERY = 60.0
ERRANDS_EVERY = 0.5  # real seconds, while checks run


@dataclass
class Engine:
    """One worker process. Call `tick` until told to end, then `stop`."""

    client: AitronosClient = field(default_factory=api_client)
    parallel: int = PARALLEL
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.started_at = clock.now()
        self.checks_done = 0
        self._checks = checks_pool(self.client, self.parallel)
        self._errands = Errands(self.client)
        self._prober = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._probe: Future[ApiAnswer] | None = None
        self._beat_at: datetime | None = None
        self._probed_at: datetime | None = None
        self._pruned_at: datetime | None = None
        self._log_at: datetime | None = None
        self._clocks_at: datetime | None = None
        self._errands_at: float | None = None
        self._canaries_at: datetime | None = None

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return bool(self._checks.running or self._errands.running)

    def tick(self, *, wait: float) -> int:
        """Take what is due, store what has ended; waits at most `wait` seconds. Ends stored."""
        now, spans = clock.now(), policy()
        self._compare_clocks(now)
        self._try_canaries(now)
        master_key_state()
        self._take_errands(now)
        self._checks.submit(claims_take(limit=self._checks.free, now=now, policy=spans))
        self._look_after_platform(now)
        self._prune(now)
        self._look_after_log(now)
        # While a person waits for an outcome, look often.
        return self._collect(wait=min(wait, 0.1) if self._errands.running else wait)

    def drain(self, *, wait: float) -> int:
        """Store what has ended without taking anything new, on the way to an orderly stop."""
        return self._collect(wait=wait)

    def stop(self) -> None:
        """Give back what has not ended and let the threads go."""
        self._prober.shutdown(wait=False, cancel_futures=True)
        self._errands.stop()
        self._checks.stop()

    def _take_errands(self, now: datetime) -> None:
        # In a round of checks one tick chases the other: look as often as an idle worker does.
        at = self.monotonic()
        if self._errands_at is None or at >= self._errands_at or not self._checks.running:
            more = self._errands.take(now=now) or self._errands.running
            self._errands_at = None if more else at + ERRANDS_EVERY

    def _collect(self, *, wait: float) -> int:
        others = self._errands.collect()
        ended, _ = self._checks.collect(wait=wait)
        self.checks_done += len(ended)
        return len(ended) + others

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
            # What was wiped while somebody read an older state is still in SQLite's log.
            wal_empty(patience=0)

    def _try_canaries(self, now: datetime) -> None:
        # All of them at the start; later those that came with a new master key.
        if _past(self._canaries_at, CANARY_EVERY, now):
            canaries_try(by=self.name, untried=self._canaries_at is not None)
            self._canaries_at = now

    def _compare_clocks(self, now: datetime) -> None:
        # Before anything of this tick is written: a clock that jumped is seen at once.
        if _past(self._clocks_at, CLOCKS_EVERY, now):
            clocks_look(now=now)
            self._clocks_at = now

    def _prune(self, now: datetime) -> None:
        # One small batch a tick: while there is more, the next tick goes on.
        if _past(self._pruned_at, PRUNE_EVERY, now) and not history_prune():
            import_drafts_expire()
            candidates_forget()
            invitations_prune()
            sessions_prune()
            resets_prune()
            beats_forget()
            self._pruned_at = now

    def _look_after_log(self, now: datetime) -> None:
        # As with old history: a little a tick while there is more.
        if _past(self._log_at, LOG_EVERY, now) and not audit_round(now=now):
            self._log_at = now

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
                "can_open_keys": keyring().can_open,
                "master_key_state": state.fit.value,
            },
        )


def _past(before: datetime | None, seconds: float, now: datetime) -> bool:
    return before is None or abs(now - before) >= clock.passing(seconds)

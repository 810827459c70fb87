"""The worker's loop: each `tick` takes what is due and stores what has ended.

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

from freddy_admin.accounts.auth.password_reset import password_reset_requests_prune
from freddy_admin.accounts.auth.rate_limits import attempt_histories_prune
from freddy_admin.accounts.session_list import sessions_prune
from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.chain_verification import audit_verification_run_step
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_prune
from freddy_admin.core.outbox import outbox_prune
from freddy_admin.core.sqlite_wal import wal_truncate
from freddy_admin.crypto.keyring import keyring
from freddy_admin.organisations.invitations import invitations_prune
from freddy_admin.sync.api_client import api_client
from freddy_admin.sync.candidates.verification import candidates_prune
from freddy_admin.sync.checks.leases import (
    check_leases_acquire,
    checks_reschedule_after_clock_change,
)
from freddy_admin.sync.checks.policy import CheckPolicy, check_policy
from freddy_admin.sync.clock_monitor import clocks_check_and_repair
from freddy_admin.sync.history.retention import history_prune
from freddy_admin.sync.models import ApiHealth
from freddy_admin.sync.platform_status import (
    api_health_probe,
    api_health_record,
    worker_heartbeat_record,
    worker_heartbeats_prune,
)
from freddy_admin.sync.worker.jobs import PARALLEL_CHECKS, WorkerJobs, check_pool_create
from freddy_admin.vault.master_key_state import canaries_test, master_key_state
from freddy_admin.vault.services.import_rows import import_drafts_expire

HEARTBEAT_SECONDS = 5.0
API_PROBE_SECONDS = 60.0
PRUNE_SECONDS = 60.0
AUDIT_VERIFICATION_SECONDS = 60.0
CLOCK_CHECK_SECONDS = 60.0
CANARY_SECONDS = 60.0
RESCHEDULE_SECONDS = 60.0  # real seconds
JOBS_SECONDS = 0.5  # real seconds, while checks run


@dataclass
class WorkerLoop:
    """One worker process: call `tick` until the process is to end, then `stop`."""

    client: AitronosClient = field(default_factory=api_client)
    parallel: int = PARALLEL_CHECKS
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.started_at = clock.now()
        self.checks_done = 0
        self._checks = check_pool_create(self.client, self.parallel)
        self._jobs = WorkerJobs(self.client)
        self._probe_executor = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._probe: Future[ApiHealth] | None = None
        self._heartbeat_at: datetime | None = None
        self._probed_at: datetime | None = None
        self._pruned_at: datetime | None = None
        self._audit_verified_at: datetime | None = None
        self._clocks_checked_at: datetime | None = None
        self._jobs_at: float | None = None
        self._rescheduled_at: float | None = None
        self._canaries_tested_at: datetime | None = None

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return bool(self._checks.running_count or self._jobs.running_count)

    def tick(self, *, wait: float) -> int:
        """Take what is due, store what has ended; waits at most `wait` seconds.

        Returns the number of results stored.
        """
        now, policy = clock.now(), check_policy()
        self._check_clocks(now)
        self._test_canaries(now)
        master_key_state()
        self._submit_jobs(now)
        self._reschedule_checks(now, policy)
        self._checks.submit(
            check_leases_acquire(limit=self._checks.free_slots, now=now, policy=policy)
        )
        self._probe_api_and_record_heartbeat(now)
        self._prune_expired_rows(now)
        self._verify_audit_log(now)
        # While a person waits for an outcome, tick often.
        return self._store_results(wait=min(wait, 0.1) if self._jobs.running_count else wait)

    def drain(self, *, wait: float) -> int:
        """Store what has ended without taking anything new, on the way to an orderly stop."""
        return self._store_results(wait=wait)

    def stop(self) -> None:
        """Give back what has not ended and let the threads go."""
        self._probe_executor.shutdown(wait=False, cancel_futures=True)
        self._jobs.stop()
        self._checks.stop()

    def _reschedule_checks(self, now: datetime, policy: CheckPolicy) -> None:
        # By the clock that nobody sets: the other one is what is in question.
        monotonic_now, last_at = self.monotonic(), self._rescheduled_at
        if last_at is None or monotonic_now >= last_at + RESCHEDULE_SECONDS:
            checks_reschedule_after_clock_change(now=now, policy=policy)
            self._rescheduled_at = monotonic_now

    def _submit_jobs(self, now: datetime) -> None:
        # While checks run, ticks follow each other closely: submit as often as an idle worker does.
        monotonic_now = self.monotonic()
        if (
            self._jobs_at is None
            or monotonic_now >= self._jobs_at
            or not self._checks.running_count
        ):
            has_work = self._jobs.submit(now=now) or self._jobs.running_count
            self._jobs_at = None if has_work else monotonic_now + JOBS_SECONDS

    def _store_results(self, *, wait: float) -> int:
        job_count = self._jobs.collect_and_store()
        results, _ = self._checks.collect_and_store(wait=wait)
        self.checks_done += len(results)
        return len(results) + job_count

    def _probe_api_and_record_heartbeat(self, now: datetime) -> None:
        if self._probe is not None and self._probe.done():
            api_health_record(self._probe.result())
            self._probe = None
        if self._probe is None and _is_elapsed(self._probed_at, API_PROBE_SECONDS, now):
            self._probed_at = now
            self._probe = self._probe_executor.submit(api_health_probe, self.client)
        if _is_elapsed(self._heartbeat_at, HEARTBEAT_SECONDS, now):
            self._heartbeat_at = now
            self.record_heartbeat(now=now)
            # What was wiped while somebody read an older state is still in SQLite's log.
            wal_truncate(busy_timeout_ms=0)

    def _test_canaries(self, now: datetime) -> None:
        # All of them at the start; later those that came with a new master key.
        if _is_elapsed(self._canaries_tested_at, CANARY_SECONDS, now):
            canaries_test(tested_by=self.name, untested_only=self._canaries_tested_at is not None)
            self._canaries_tested_at = now

    def _check_clocks(self, now: datetime) -> None:
        # Before anything of this tick is written: a clock that jumped is seen at once.
        if _is_elapsed(self._clocks_checked_at, CLOCK_CHECK_SECONDS, now):
            clocks_check_and_repair(now=now)
            self._clocks_checked_at = now

    def _prune_expired_rows(self, now: datetime) -> None:
        # One small batch a tick: while there is more, the next tick goes on.
        if _is_elapsed(self._pruned_at, PRUNE_SECONDS, now) and not history_prune():
            import_drafts_expire()
            candidates_prune()
            invitations_prune()
            sessions_prune()
            attempt_histories_prune()
            cache_prune()
            password_reset_requests_prune()
            outbox_prune()
            worker_heartbeats_prune()
            self._pruned_at = now

    def _verify_audit_log(self, now: datetime) -> None:
        # A part of the log each tick, until all of it is verified.
        if _is_elapsed(
            self._audit_verified_at, AUDIT_VERIFICATION_SECONDS, now
        ) and not audit_verification_run_step(now=now):
            self._audit_verified_at = now

    def record_heartbeat(self, *, now: datetime) -> None:
        """Store this worker's heartbeat."""
        state = master_key_state()
        worker_heartbeat_record(
            name=self.name,
            values={
                "version": settings.VERSION,
                "started_at": self.started_at,
                "heartbeat_at": now,
                "checks_done": self.checks_done,
                "can_open_keys": keyring().has_private_keys,
                "master_key_state": state.fit.value,
            },
        )


def _is_elapsed(previous: datetime | None, seconds: float, now: datetime) -> bool:
    return previous is None or abs(now - previous) >= clock.real_seconds_to_panel_duration(seconds)

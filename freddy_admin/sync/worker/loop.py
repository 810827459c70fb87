"""The worker's loop: each `tick` does what is due and stores what has ended.

A tick never waits for the API: calls run in threads, and a slow key holds one slot alone.
"""

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings

from freddy_admin.accounts.auth.password_reset import password_reset_requests_prune
from freddy_admin.accounts.auth.rate_limits import attempt_histories_prune
from freddy_admin.accounts.session_list import sessions_prune
from freddy_admin.aitronos.client import ApiClients
from freddy_admin.audit.chain_verification import audit_verification_run_step
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_prune
from freddy_admin.core.message_faults import worst_message_fault
from freddy_admin.core.outbox import outbox_prune
from freddy_admin.core.panel_address import panel_address_record
from freddy_admin.core.sqlite_wal import wal_truncate
from freddy_admin.core.tasks import EmbeddedTasks, adapter_install, adapter_remove
from freddy_admin.core.view_changes import view_changes_prune
from freddy_admin.crypto.keyring import keyring
from freddy_admin.organisations.invitations import invitations_prune
from freddy_admin.sync.api_client import api_clients
from freddy_admin.sync.candidates.verification import candidates_prune
from freddy_admin.sync.checks.budget import call_budgets_prune
from freddy_admin.sync.checks.leases import (
    checks_reschedule_after_clock_change,
    refused_checks_reschedule_after_settings_change,
)
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.clock_monitor import clocks_check_and_repair
from freddy_admin.sync.history.retention import history_prune
from freddy_admin.sync.models import ApiHealth
from freddy_admin.sync.operations.results import lost_operations_close, queued_operations_expire
from freddy_admin.sync.platform_status import (
    api_health_record,
    api_healths_probe,
    worker_heartbeat_record,
    worker_heartbeats_prune,
)
from freddy_admin.sync.status.names import status_names_repair
from freddy_admin.sync.status.shared_figures import shared_figures_refresh
from freddy_admin.sync.status.state_counts import (
    keyless_organisations_refresh,
    state_counts_refresh,
)
from freddy_admin.sync.worker.jobs import PARALLEL_CHECKS, WorkerJobs
from freddy_admin.vault.master_key_state import canaries_test, master_key_state
from freddy_admin.vault.services.import_rows import import_drafts_expire

HEARTBEAT_SECONDS = 5.0
LOST_OPERATIONS_SECONDS = 5.0
MINUTE_SECONDS = 60.0
LOOK_SECONDS = 0.4  # real seconds, while checks run


@dataclass
class WorkerLoop:
    """One worker process: call `tick` until the process is to end, then `stop`."""

    client: ApiClients = field(default_factory=api_clients)
    parallel: int = PARALLEL_CHECKS
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    monotonic: Callable[[], float] = time.monotonic
    tasks: EmbeddedTasks = field(default_factory=EmbeddedTasks)

    def __post_init__(self) -> None:
        self.started_at = clock.now()
        self._jobs = WorkerJobs(self.client, self.parallel)
        self._probe_executor = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._probe: Future[list[ApiHealth]] | None = None
        self._has_tested_canaries = False
        self._named_key_id = 0  # as far as `_repair_names` has come
        self._looked_at: float | None = None
        self._schedule_periodic_tasks()
        for queue in self._jobs.queues():
            self.tasks.add(queue)
        adapter_install(self.tasks)

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return bool(self._jobs.running_count)

    @property
    def checks_done(self) -> int:
        """How many checks have ended and were stored."""
        return self._jobs.checks_done

    @property
    def pause_seconds(self) -> float:
        """How long to wait before the next tick, in real seconds; 0 while calls are under way.

        A look right after a batch would find the few keys that fell due since: nearly as much work
        for them as for all of the next look.
        """
        if self.busy or self.tasks.is_woken or self._looked_at is None:
            return 0.0
        return max(0.0, self._looked_at + LOOK_SECONDS - self.monotonic())

    def tick(self, *, wait: float) -> int:
        """Take what is due, store what has ended; waits at most `wait` seconds.

        Returns the number of results stored.
        """
        # While checks run, ticks follow each other closely: look as often as an idle worker does.
        monotonic_now = self.monotonic()
        is_look_due = self._looked_at is None or monotonic_now >= self._looked_at + LOOK_SECONDS
        look = is_look_due or not self._jobs.running_check_count
        if look:
            self._looked_at = monotonic_now
        self.tasks.run(look=look)
        return self._jobs.collect_and_store(wait=0.0 if self.tasks.is_woken else wait)

    def drain(self, *, wait: float) -> int:
        """Store what has ended without taking anything new, on the way to an orderly stop."""
        return self._jobs.collect_and_store(wait=wait)

    def interrupt(self) -> None:
        """Have a `tick` that waits return soon; to be called from another thread."""
        self._jobs.interrupt()

    def stop(self) -> None:
        """Give back what has not ended and let the threads go."""
        adapter_remove(self.tasks)
        self._probe_executor.shutdown(wait=False, cancel_futures=True)
        self._jobs.stop()

    def record_heartbeat(self) -> None:
        """Store this worker's heartbeat."""
        state = master_key_state()
        worker_heartbeat_record(
            name=self.name,
            values={
                "version": settings.VERSION,
                "started_at": self.started_at,
                "heartbeat_at": clock.now(),
                "checks_done": self.checks_done,
                "can_open_keys": keyring().has_private_keys,
                "master_key_state": state.fit.value,
                "copied_from": panel_address_record(),
                "message_fault": worst_message_fault(now=clock.now()),
            },
        )
        # What was wiped while somebody read an older state is still in SQLite's log.
        wal_truncate(busy_timeout_ms=0)

    def _schedule_periodic_tasks(self) -> None:
        every = self.tasks.every
        in_each_worker = partial(every, in_each_worker=True)
        # Before anything of a tick is written: a clock that jumped is seen at once.
        in_each_worker(MINUTE_SECONDS, lambda: clocks_check_and_repair(now=clock.now()))
        in_each_worker(MINUTE_SECONDS, self._test_canaries)
        in_each_worker(0.0, master_key_state)  # as often as it is old
        every(LOST_OPERATIONS_SECONDS, lambda: lost_operations_close(now=clock.now()))
        every(LOST_OPERATIONS_SECONDS, lambda: queued_operations_expire(now=clock.now()))
        every(MINUTE_SECONDS, _reschedule_checks)
        every(MINUTE_SECONDS, state_counts_refresh)
        every(MINUTE_SECONDS, keyless_organisations_refresh)
        every(MINUTE_SECONDS, self._repair_names)
        every(MINUTE_SECONDS, lambda: shared_figures_refresh(now=clock.now()))
        every(
            MINUTE_SECONDS,
            lambda: refused_checks_reschedule_after_settings_change(now=clock.now()),
        )
        in_each_worker(HEARTBEAT_SECONDS, self.record_heartbeat)
        in_each_worker(0.0, self._record_probe)
        every(MINUTE_SECONDS, self._start_probe)
        for prune in (
            history_prune,
            import_drafts_expire,
            candidates_prune,
            invitations_prune,
            sessions_prune,
            attempt_histories_prune,
            cache_prune,
            password_reset_requests_prune,
            outbox_prune,
            call_budgets_prune,
            worker_heartbeats_prune,
            view_changes_prune,
        ):
            every(MINUTE_SECONDS, prune)
        # A part of the log at a time, until all of it is verified.
        every(MINUTE_SECONDS, lambda: audit_verification_run_step(now=clock.now()))

    def _test_canaries(self) -> None:
        # All of them at the start; later those that came with a new master key.
        canaries_test(tested_by=self.name, untested_only=self._has_tested_canaries)
        self._has_tested_canaries = True

    def _repair_names(self) -> None:
        self._named_key_id = status_names_repair(after_key_id=self._named_key_id)

    def _start_probe(self) -> None:
        if self._probe is None and settings.AITRONOS_CALLS:
            self._probe = self._probe_executor.submit(api_healths_probe, self.client)

    def _record_probe(self) -> None:
        if self._probe is not None and self._probe.done():
            for health in self._probe.result():
                api_health_record(health)
            self._probe = None


def _reschedule_checks() -> None:
    checks_reschedule_after_clock_change(now=clock.now(), policy=check_policy())

"""The panel's own condition: workers, the API as a whole, the database, the cache, master keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q

from freddy_admin.aitronos.client import AitronosClient, ApiClients
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.types import ServiceHealth
from freddy_admin.audit.chain_verification import audit_verification_get
from freddy_admin.audit.models import AuditVerification
from freddy_admin.conf.api_environments import (
    DEFAULT_ENVIRONMENT,
    ApiEnvironment,
    api_environments,
)
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_problem
from freddy_admin.core.clock_skew import (
    DeletionHold,
    clocks_compared_at,
    deletion_hold_get,
    trusted_now,
)
from freddy_admin.core.mail import MAIL_LANE
from freddy_admin.core.outbox import LaneState, outbox_lane_state
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.core.tasks import QueueJobs, queue_jobs_list
from freddy_admin.sync.checks.budget import BudgetsToday, budgets_today
from freddy_admin.sync.models import ApiHealth, CheckOutcome, SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.refused_alike import (
    RefusedGroup,
    refused_group_samples,
    refused_groups_list,
)
from freddy_admin.sync.waiting_work import WaitingWork, waiting_work_list
from freddy_admin.vault.master_key_rotation_progress import rotation_get_latest
from freddy_admin.vault.master_key_state import (
    MasterKeyState,
    MasterKeyUsage,
    master_key_state,
    master_key_usage,
)
from freddy_admin.vault.models import KeyLifecycle, MasterKeyRotation
from freddy_admin.vault.selectors import api_key_counts_by_environment

# A worker that was silent for a day will not come back: its row is deleted.
_HEARTBEAT_RETENTION = timedelta(days=1)
HEARTBEAT_TIMEOUT_SECONDS = 30.0  # seconds
# Each environment with what its health routes last said, None before; `default` first.
ApiHealths = list[tuple[ApiEnvironment, ApiHealth | None]]


@dataclass(frozen=True, slots=True)
class KeyOutcomes:
    """Of all keys in use and not paused: how many were checked, and how many of those failed."""

    checked: int
    failing: int

    @property
    def half_fail(self) -> bool:
        """Whether the latest check of half of them, or of more, brought no figures."""
        return self.failing > 0 and 2 * self.failing >= self.checked


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """Everything the system page shows."""

    version: str
    database: str
    cache: str
    cache_problem: str  # a sentence; empty where it works
    workers: list[WorkerHeartbeat]
    alive_workers: int
    copied_from: str  # where the database was at work before, if it seems to be a copy
    apis: ApiHealths
    missing_environments: dict[str, int]  # not set up, although so many keys belong to them
    keys: KeyOutcomes
    calls: BudgetsToday
    master_key: MasterKeyState
    master_keys: list[MasterKeyUsage]
    master_keys_are_wrapped: bool  # by a KMS, which the worker asks at its start
    rotation: MasterKeyRotation | None
    audit: AuditVerification | None
    clocks_compared_at: datetime | None  # when they were compared
    deletion_hold: DeletionHold | None  # why nothing is deleted
    mail: LaneState
    waiting: list[WaitingWork]
    jobs: list[QueueJobs]  # of the engine
    refused_groups: list[tuple[RefusedGroup, list[SyncStatus]]]  # with some of their refusals


def platform_status(*, now: datetime) -> PlatformStatus:
    """The panel's condition at `now`, from the database and the cache alone."""
    workers = list(WorkerHeartbeat.objects.order_by("-heartbeat_at")[:20])
    return PlatformStatus(
        version=settings.VERSION,
        database="PostgreSQL" if connection.vendor == "postgresql" else "SQLite",
        cache="Redis" if settings.REDIS_URL else "database",
        cache_problem=cache_problem(),
        workers=workers,
        alive_workers=sum(is_worker_alive(worker, now=now) for worker in workers),
        copied_from=panel_copied_from(),
        apis=api_healths_list(),
        missing_environments=missing_environment_key_counts(),
        keys=_key_outcomes(),
        calls=budgets_today(now=now),
        master_key=master_key_state(),
        master_keys=master_key_usage(),
        master_keys_are_wrapped=bool(settings.ENCRYPTION_KEYS_KMS),
        rotation=rotation_get_latest(),
        audit=audit_verification_get(),
        clocks_compared_at=clocks_compared_at(),
        deletion_hold=deletion_hold_get(),
        mail=outbox_lane_state(MAIL_LANE),
        waiting=waiting_work_list(),
        jobs=queue_jobs_list(),
        refused_groups=[(group, refused_group_samples(group)) for group in refused_groups_list()],
    )


def _key_outcomes() -> KeyOutcomes:
    rows = SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE, key__paused_at=None)
    outcomes = rows.exclude(outcome=CheckOutcome.NONE)
    return KeyOutcomes(
        **outcomes.aggregate(
            checked=Count("pk"), failing=Count("pk", filter=~Q(outcome=CheckOutcome.GOOD))
        )
    )


def is_worker_alive(worker: WorkerHeartbeat, *, now: datetime) -> bool:
    """Whether this worker's heartbeat is recent enough."""
    # One that lies ahead is of a clock that was: it says nothing of this moment.
    return abs(now - worker.heartbeat_at) <= clock.real_seconds_to_panel_duration(
        HEARTBEAT_TIMEOUT_SECONDS
    )


def alive_workers_count(*, now: datetime) -> int:
    """How many workers' heartbeats are recent enough."""
    return sum(is_worker_alive(worker, now=now) for worker in WorkerHeartbeat.objects.all())


def latest_worker_heartbeat_at() -> datetime | None:
    """The latest heartbeat of any worker, without those that a clock ahead of time left."""
    latest_plausible_at = clock.now() + clock.real_seconds_to_panel_duration(
        HEARTBEAT_TIMEOUT_SECONDS
    )
    heartbeats = WorkerHeartbeat.objects.filter(heartbeat_at__lte=latest_plausible_at).order_by(
        "-heartbeat_at"
    )
    return heartbeats.values_list("heartbeat_at", flat=True).first()


def is_any_worker_alive(*, now: datetime) -> bool:
    """Whether the latest heartbeat of any worker is recent enough."""
    heartbeat_at = latest_worker_heartbeat_at()
    timeout = clock.real_seconds_to_panel_duration(HEARTBEAT_TIMEOUT_SECONDS)
    return heartbeat_at is not None and now - heartbeat_at <= timeout


def worker_heartbeat_record(*, name: str, values: Mapping[str, Any]) -> None:
    """Store the heartbeat of the worker called `name`."""
    WorkerHeartbeat.objects.update_or_create(name=name[:120], defaults=dict(values))


def worker_heartbeats_prune() -> None:
    """Delete the heartbeats of workers that were silent for a day."""
    now = trusted_now()
    if now is not None:
        WorkerHeartbeat.objects.filter(heartbeat_at__lt=now - _HEARTBEAT_RETENTION).delete()


def worker_heartbeat_delete(*, name: str) -> None:
    """Delete the heartbeat of a worker that ends in order."""
    WorkerHeartbeat.objects.filter(name=name[:120]).delete()


def api_healths_list() -> ApiHealths:
    """Each environment with its latest probe, None where there was none; `default` first."""
    healths = {health.environment: health for health in ApiHealth.objects.all()}
    return [
        (environment, healths.get(environment.name)) for environment in api_environments().values()
    ]


def missing_environment_key_counts() -> dict[str, int]:
    """How many keys belong to each environment that is not set up; they are not called."""
    counts = api_key_counts_by_environment()
    return {name: count for name, count in counts.items() if name not in api_environments()}


def api_healths_probe(clients: ApiClients) -> list[ApiHealth]:
    """Ask the public health routes of each environment; saves nothing, never raises."""
    return [
        api_health_probe(clients.for_environment(name), environment=name)
        for name in api_environments()
    ]


def api_clock_skew(client: AitronosClient) -> timedelta | None:
    """How far this machine's clock is ahead of Aitronos', by the `Date` of its health route.

    To a second or two; None where it did not say, and on the demo's fast clock. Never raises.
    """
    if clock.real_seconds_to_panel_duration(1) != timedelta(seconds=1):
        return None
    try:
        server_time = client.get_health().info.server_time
    except AitronosError:
        return None
    return clock.now() - server_time if server_time else None


def api_health_probe(
    client: AitronosClient, *, environment: str = DEFAULT_ENVIRONMENT
) -> ApiHealth:
    """Ask the public health routes of one environment; saves nothing, never raises.

    Returns its row, unsaved: what the routes said, or the kind of failure.
    """
    elapsed_ms, kind, health = None, "", ServiceHealth("")
    try:
        response = client.get_health()
        elapsed_ms, health = response.info.elapsed_ms, response.value
    except AitronosError as error:
        kind = str(error.kind)
    except Exception:  # noqa: BLE001  a probe must not end the worker
        kind = "internal"
    details = ServiceHealth("") if kind else _health_details(client)
    # What the API says of itself in either answer, unless that is well.
    statuses = [answer.status for answer in (health, details) if not answer.is_well]
    components = {
        component.name: component.status
        for component in (*health.components, *details.components)
        if not component.is_well
    }
    return ApiHealth(
        environment=environment,
        checked_at=clock.now(),
        reachable=not kind and health.is_well,
        kind=kind,
        elapsed_ms=elapsed_ms,
        status=next(filter(None, statuses), ""),
        components=[{"name": name, "status": status} for name, status in components.items()],
    )


def _health_details(client: AitronosClient) -> ServiceHealth:
    """What the second route says; nothing hangs on whether it answers at all."""
    try:
        return client.get_health_details().value
    except Exception:  # noqa: BLE001  a probe must not end the worker
        return ServiceHealth("")


def api_health_record(health: ApiHealth) -> None:
    """Save what a probe found, whoever of several workers saves first."""
    columns = ["checked_at", "reachable", "kind", "elapsed_ms", "status", "components"]
    ApiHealth.objects.bulk_create(
        [health], update_conflicts=True, unique_fields=["environment"], update_fields=columns
    )

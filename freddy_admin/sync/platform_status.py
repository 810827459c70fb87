"""The panel's own condition: workers, the API as a whole, the database, the cache, master keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.audit.chain_verification import audit_verification_get
from freddy_admin.audit.models import AuditVerification
from freddy_admin.core import clock
from freddy_admin.core.cache import is_cache_available
from freddy_admin.core.clock_skew import (
    DeletionHold,
    clocks_compared_at,
    deletion_hold_get,
    trusted_now,
)
from freddy_admin.core.mail import MAIL_LANE
from freddy_admin.core.outbox import LaneState, outbox_lane_state
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.sync.models import ApiHealth, WorkerHeartbeat
from freddy_admin.sync.waiting_work import WaitingWork, waiting_work_list
from freddy_admin.vault.master_key_rotation_progress import rotation_get_latest
from freddy_admin.vault.master_key_state import (
    MasterKeyState,
    MasterKeyUsage,
    master_key_state,
    master_key_usage,
)
from freddy_admin.vault.models import MasterKeyRotation

# A worker that was silent for a day will not come back: its row is deleted.
_HEARTBEAT_RETENTION = timedelta(days=1)
HEARTBEAT_TIMEOUT_SECONDS = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """Everything the system page shows."""

    version: str
    database: str
    cache: str
    cache_works: bool
    workers: list[WorkerHeartbeat]
    alive_workers: int
    api: ApiHealth | None
    api_base_url: str
    copied_from: str  # where the database was at work before, if it seems to be a copy
    master_key: MasterKeyState
    master_keys: list[MasterKeyUsage]
    master_keys_are_wrapped: bool  # by a KMS, which the worker asks at its start
    rotation: MasterKeyRotation | None
    audit: AuditVerification | None
    clocks_compared_at: datetime | None  # when they were compared
    deletion_hold: DeletionHold | None  # why nothing is deleted
    mail: LaneState
    waiting: list[WaitingWork]  # what people asked for


def platform_status(*, now: datetime) -> PlatformStatus:
    """The panel's condition at `now`, from the database and the cache alone."""
    workers = list(WorkerHeartbeat.objects.order_by("-heartbeat_at")[:20])
    return PlatformStatus(
        version=settings.VERSION,
        database="PostgreSQL" if connection.vendor == "postgresql" else "SQLite",
        cache="Redis" if settings.REDIS_URL else "database",
        cache_works=is_cache_available(),
        workers=workers,
        alive_workers=sum(is_worker_alive(worker, now=now) for worker in workers),
        api=ApiHealth.objects.order_by("-checked_at").first(),
        api_base_url=settings.AITRONOS_API_BASE_URL,
        copied_from=panel_copied_from(),
        master_key=master_key_state(),
        master_keys=master_key_usage(),
        master_keys_are_wrapped=bool(settings.ENCRYPTION_KEYS_KMS),
        rotation=rotation_get_latest(),
        audit=audit_verification_get(),
        clocks_compared_at=clocks_compared_at(),
        deletion_hold=deletion_hold_get(),
        mail=outbox_lane_state(MAIL_LANE),
        waiting=waiting_work_list(),
    )


def is_worker_alive(worker: WorkerHeartbeat, *, now: datetime) -> bool:
    """Whether this worker's heartbeat is recent enough."""
    # One that lies ahead is of a clock that was: it says nothing of this moment.
    return abs(now - worker.heartbeat_at) <= clock.real_seconds_to_panel_duration(
        HEARTBEAT_TIMEOUT_SECONDS
    )


def latest_worker_heartbeat_at() -> datetime | None:
    """The latest heartbeat of any worker, without those that a clock ahead of time left."""
    latest_plausible_at = clock.now() + clock.real_seconds_to_panel_duration(
        HEARTBEAT_TIMEOUT_SECONDS
    )
    heartbeats = WorkerHeartbeat.objects.filter(heartbeat_at__lte=latest_plausible_at).order_by(
        "-heartbeat_at"
    )
    return heartbeats.values_list("heartbeat_at", flat=True).first()


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


def api_health_probe(client: AitronosClient) -> ApiHealth:
    """Ask the public health route; saves nothing, never raises.

    Returns the one row, unsaved: what the route said, or the kind of failure.
    """
    elapsed_ms, kind = None, ""
    try:
        elapsed_ms = client.get_health().info.elapsed_ms
    except AitronosError as error:
        kind = str(error.kind)
    except Exception:  # noqa: BLE001  a probe must not end the worker
        kind = "internal"
    return ApiHealth(
        pk=1, checked_at=clock.now(), reachable=not kind, kind=kind, elapsed_ms=elapsed_ms
    )


def api_health_record(health: ApiHealth) -> None:
    """Save what a probe found, whoever of several workers saves first."""
    columns = ["checked_at", "reachable", "kind", "elapsed_ms"]
    ApiHealth.objects.bulk_create(
        [health], update_conflicts=True, unique_fields=["id"], update_fields=columns
    )

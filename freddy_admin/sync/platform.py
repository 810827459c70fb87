"""The panel's own condition: workers, the API as a whole, the database, the cache, master keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.audit.models import AuditCheck
from freddy_admin.audit.rounds import audit_check
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_works
from freddy_admin.core.clock_guard import Hold, clocks_compared_at, deletion_hold, deletion_now
from freddy_admin.sync.models import ApiHealth, WorkerBeat
from freddy_admin.vault.master_keys import (
    MasterKeyState,
    MasterKeyUse,
    master_key_state,
    master_key_usage,
)
from freddy_admin.vault.rotations import RotationState, rotation_latest

# A worker that was silent for a day will not come back: its row is swept away.
_FORGET_AFTER = timedelta(days=1)
ALIVE_FOR = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What the public health route said, or why it did not answer (a kind of failure)."""

    at: datetime
    reachable: bool
    kind: str = ""
    elapsed_ms: float | None = None


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """Everything the system page tells."""

    version: str
    database: str
    cache: str
    cache_works: bool
    workers: list[WorkerBeat]
    alive: int
    api: ApiHealth | None
    api_base_url: str
    master_key: MasterKeyState
    master_keys: list[MasterKeyUse]
    wrapped: bool  # by a KMS, which the worker asks at its start
    rotation: RotationState | None
    audit: AuditCheck | None
    clocks_at: datetime | None  # when they were compared
    hold: Hold | None  # why nothing is deleted


def platform_status(*, now: datetime) -> PlatformStatus:
    """The panel's condition at `now`, from the database and the cache alone."""
    workers = list(WorkerBeat.objects.order_by("-beat_at")[:20])
    return PlatformStatus(
        version=settings.VERSION,
        database="PostgreSQL" if connection.vendor == "postgresql" else "SQLite",
        cache="Redis" if settings.REDIS_URL else "database",
        cache_works=cache_works(),
        workers=workers,
        alive=sum(worker_alive(worker, now=now) for worker in workers),
        api=ApiHealth.objects.order_by("-checked_at").first(),
        api_base_url=settings.AITRONOS_API_BASE_URL,
        master_key=master_key_state(),
        master_keys=master_key_usage(),
        wrapped=bool(settings.ENCRYPTION_KEYS_KMS),
        rotation=rotation_latest(),
        audit=audit_check(),
        clocks_at=clocks_compared_at(),
        hold=deletion_hold(),
    )


def worker_alive(worker: WorkerBeat, *, now: datetime) -> bool:
    """Whether this worker gave a sign of life lately."""
    # One that lies ahead is of a clock that was: it says nothing of this moment.
    return abs(now - worker.beat_at) <= clock.passing(ALIVE_FOR)


def worker_seen_at() -> datetime | None:
    """The latest sign of life of any worker, but for those that a clock ahead of time left."""
    soon = clock.now() + clock.passing(ALIVE_FOR)
    beats = WorkerBeat.objects.filter(beat_at__lte=soon).order_by("-beat_at")
    return beats.values_list("beat_at", flat=True).first()


def beat_store(*, name: str, values: Mapping[str, Any]) -> None:
    """Write down a worker's sign of life."""
    WorkerBeat.objects.update_or_create(name=name[:120], defaults=dict(values))


def beats_forget() -> None:
    """Let go of workers that were silent for long."""
    now = deletion_now()
    if now is not None:
        WorkerBeat.objects.filter(beat_at__lt=now - _FORGET_AFTER).delete()


def beat_remove(*, name: str) -> None:
    """A worker that ends in order takes its sign down."""
    WorkerBeat.objects.filter(name=name[:120]).delete()


def api_health_ask(client: AitronosClient) -> ApiAnswer:
    """Ask the public health route; touches no database, never raises."""
    try:
        answer = client.get_health()
    except AitronosError as error:
        return ApiAnswer(clock.now(), reachable=False, kind=str(error.kind))
    except Exception:  # noqa: BLE001  a probe must not end the worker
        return ApiAnswer(clock.now(), reachable=False, kind="internal")
    return ApiAnswer(clock.now(), reachable=True, elapsed_ms=answer.info.elapsed_ms)


def api_health_store(*, answer: ApiAnswer) -> None:
    """Keep the latest answer: one row."""
    ApiHealth.objects.update_or_create(
        pk=1,
        defaults={
            "checked_at": answer.at,
            "reachable": answer.reachable,
            "kind": answer.kind,
            "elapsed_ms": answer.elapsed_ms,
        },
    )
